// A small load balancer: takes turns, keeps its connections, passes over a process that is not there, and asks another
// one when nothing came back for a request that may be repeated. That is what nginx and Caddy do.
import type { IncomingMessage, RequestOptions, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { closeAtEnd } from '../support/at-end.ts';

const TRIES = 40;
const BETWEEN_MS = 50;

/** @returns the port it listens on */
export async function startBalancer(ports: number[]): Promise<number> {
  const agent = new Agent({ keepAlive: true, timeout: 60_000 });
  let turn = 0;
  const pass = async (req: IncomingMessage, res: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const options = { ...repeat(req), ...(req.method === 'GET' ? { agent } : { agent: false as const }) };
    for (let tries = 0; tries < TRIES; tries += 1) {
      const port = ports[(turn += 1) % ports.length] ?? 0;
      const { answer, trouble } = await ask({ ...options, port }, Buffer.concat(chunks));
      if (answer) {
        res.writeHead(answer.statusCode ?? 500, answer.headers);
        return void answer.pipe(res);
      }
      // A request that was sent and may have had its effect is not sent twice.
      if (trouble !== 'ECONNREFUSED' && req.method !== 'GET') break;
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_MS));
    }
    res.writeHead(502).end('nobody answers');
  };
  const server = createServer((req, res) => void pass(req, res).catch(() => res.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAtEnd(async () => {
    agent.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** A kept connection may be closed just as a request sets out on it; a form, which is not sent twice, gets a new one. */
function repeat({ method, url, headers }: IncomingMessage): RequestOptions {
  const before = headers['x-forwarded-for'];
  const more = {
    connection: method === 'GET' ? 'keep-alive' : 'close',
    'x-forwarded-for': before === undefined ? '127.0.0.1' : `${String(before)}, 127.0.0.1`,
  };
  return { host: '127.0.0.1', method, path: url, headers: { ...headers, ...more } };
}

function ask(options: RequestOptions, body: Buffer): Promise<{ answer?: IncomingMessage; trouble?: string }> {
  return new Promise((resolve) => {
    const sent = request(options, (answer) => resolve({ answer }));
    sent.once('error', (error: NodeJS.ErrnoException) => resolve({ trouble: error.code ?? error.message }));
    sent.end(body);
  });
}
