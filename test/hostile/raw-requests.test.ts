// Requests that no browser sends. After each the server goes on, and nothing of them is believed or repeated.
import { connect } from 'node:net';
import { openBrowser, signInWithPassword } from '../support/people.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { RAW_REQUESTS, type RawCase } from './raw-requests.ts';

/** Everything ends by itself, what waits for more bytes as well. */
const LIMITS = { headersMs: 400, requestMs: 500, idleMs: 300, stillMs: 1000, checkEveryMs: 50 };

function ask(app: TestApp, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(app.port, '127.0.0.1', () => socket.write(bytes));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(answer));
  });
}

async function startSignedIn(): Promise<{ app: TestApp; fill(bytes: string): string }> {
  const app = await startApp({ limits: LIMITS });
  const answer = await signInWithPassword(openBrowser(app));
  const id = /gatehouse=([^;]+)/.exec(String(answer.headers['set-cookie']))?.[1] ?? '';
  const host = new URL(app.url).host;
  const values: Record<string, string> = {
    HOST: host,
    UPPER: host.toUpperCase(),
    ID: id,
    END: 'Connection: close\r\n\r\n',
  };
  return { app, fill: (bytes) => bytes.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '') };
}

const HEALTH = 'GET /-/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

/** What is wrong with an answer, or undefined. */
function complaint(answer: string, allowed: RawCase[2]): string | undefined {
  const status = answer === '' ? 'closed' : Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);
  if (!allowed.includes(status)) return `${status}`;
  if ((answer.match(/^HTTP\/1\.1 [^1]/gm) ?? []).length > 1) return 'two answers';
  return /evil\.test|zz-echo|zz-hidden|root:x:|"scripts"|\bat .*\.[jt]s:\d|node_modules|SQLITE|Set-Cookie:.*Secure/i.exec(
    answer,
  )?.[0];
}

test.each(Object.entries(RAW_REQUESTS))(
  'odd %s are refused or served, and nothing worse (HT-001)',
  async (_class, cases) => {
    const { app, fill } = await startSignedIn();
    const wrong: string[] = [];
    for (const [what, bytes, allowed] of cases) {
      const found = complaint(await ask(app, fill(bytes)), allowed);
      if (found !== undefined) wrong.push(`${what}: ${found}`);
      if (!(await ask(app, HEALTH)).startsWith('HTTP/1.1 200')) wrong.push(`${what}: the server is no longer well`);
    }
    expect(wrong).toEqual([]);
    expect(app.log.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  },
);
