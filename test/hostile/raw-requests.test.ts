// Requests that no browser sends. After each the server goes on, and nothing of them is believed or repeated.
import { connect } from 'node:net';
import { openBrowser, signInWithPassword } from '../support/people.ts';
import { startApp, type TestApp } from '../support/start-app.ts';
import { RAW_REQUESTS, type RawCase } from './raw-requests.ts';

/** Everything ends by itself, what waits for more bytes as well. */
const LIMITS = { headersMs: 400, requestMs: 500, idleMs: 300, stillMs: 5000, checkEveryMs: 50 };

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

test('noise, and a good request behind a bad one on the same connection (HT-001)', async () => {
  const { app, fill } = await startSignedIn();
  const noise = Buffer.from(Array.from({ length: 65_536 }, (_, at) => (at * 7919 + (at >> 3)) & 255));
  expect(await ask(app, noise)).toMatch(/^(HTTP\/1\.1 400 |$)/);
  expect(await ask(app, Buffer.alloc(65_536))).toMatch(/^(HTTP\/1\.1 400 |$)/);
  expect(await ask(app, Buffer.from([0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]))).toMatch(/^HTTP\/1\.1 400 /); // begins TLS
  const both = await ask(
    app,
    fill(`GET /%zz HTTP/1.1\r\nHost: {{HOST}}\r\n\r\nGET /users/sign_in HTTP/1.1\r\nHost: {{HOST}}\r\n{{END}}`),
  );
  expect(both.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200']);
  const many = await ask(app, fill(`${'GET /-/health HTTP/1.1\r\nHost: {{HOST}}\r\n\r\n'.repeat(500)}${HEALTH}`));
  expect(many.match(/^HTTP\/1\.1 200/gm)).toHaveLength(501);
  expect(await ask(app, HEALTH)).toMatch(/^HTTP\/1\.1 200 /);
});

test.each(Object.entries(RAW_REQUESTS))(
  'odd %s are refused or served, and nothing worse (HT-001, HT-002, HT-011, HT-012, HT-014)',
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
