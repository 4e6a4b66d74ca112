// A far end on loopback whose every answer the test writes by hand, and which remembers what it was asked.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface FarEnd {
  /** `http://127.0.0.1:<port>/` */
  url: string;
  requests: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[];
  requestsTo(path: string): FarEnd['requests'];
  /** Replaces what is answered from now on. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
}

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((close) => close()));
});

/** Runs when the test is over, before the next one. */
export function afterThisTest(close: () => Promise<unknown>): void {
  open.push(close);
}

/** Listens on a free port of 127.0.0.1 until the test is over. Gives its port. */
export async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export async function startFarEnd(answer: FarEnd['answer'] = json({})): Promise<FarEnd> {
  const farEnd: FarEnd = {
    url: '',
    requests: [],
    requestsTo: (path) => farEnd.requests.filter((request) => request.path.split('?')[0] === path),
    answer,
  };
  const port = await listen((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      farEnd.requests.push({ method, path, headers, body: Buffer.concat(chunks).toString() });
      farEnd.answer(request, response);
    });
  });
  farEnd.url = `http://127.0.0.1:${port}/`;
  return farEnd;
}

/** An answer in JSON; the value is sent as it is when it is text already. */
export function json(value: unknown, status = 200, headers: Record<string, string> = {}): FarEnd['answer'] {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(typeof value === 'string' ? value : JSON.stringify(value));
  };
}

/** One answer per path; anything else is a 404. */
export function routes(table: Record<string, FarEnd['answer']>): FarEnd['answer'] {
  return (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    (table[path] ?? json({ type: 'error' }, 404))(request, response);
  };
}
