// Stopping and starting again without anybody noticing.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { freePort, start } from '../commands/run.ts';
import type { Running } from '../commands/run.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { until } from '../support/until.ts';
import { startBalancer } from './balancer.ts';
import { readBlocks, readSample, startCaddy, startNginx } from './fronts.ts';
import { holdSocket } from './held-socket.ts';
import { command, describeWith, linux } from './needs.ts';
import { configure, openSandbox, patient, PUBLIC_URL, startNode, wait } from './nodes.ts';
import type { Answer, Way } from './visitor.ts';
import { Visitor } from './visitor.ts';

/** Restarts of each of two processes. `OPERATIONS_RESTARTS=20` for a thorough look. */
const ROUNDS = Number(process.env['OPERATIONS_RESTARTS'] ?? 1);
/** Requests a second by way of each proxy. */
const RATE = Number(process.env['OPERATIONS_RATE'] ?? 20);
/** A machine that does not keep up is not asked for more and more, which would tell of nothing but time-outs in the end. */
const MOST_PENDING = 3 * RATE;
const TIME_OUT_MS = 240_000 + ROUNDS * 30_000;

interface Load {
  failed: string[];
  count: number;
  stop(): Promise<void>;
}

/** Signed-in pages and every third time a form, at a steady rate whatever the answers do. */
function putLoadOn(name: string, visitor: Visitor): Load {
  const load: Load = { failed: [], count: 0, stop: () => Promise.resolve() };
  const pending = new Set<Promise<void>>();
  const one = async (turn: number) => {
    const began = Date.now();
    const isForm = turn % 3 === 0;
    const { answer, right } = await (isForm ? startSignIn(visitor) : look(visitor));
    const what = isForm ? 'form' : 'page';
    if (!right) load.failed.push(`${name}: ${what} ${answer.status} after ${Date.now() - began} ms`);
  };
  const timer = setInterval(() => {
    if (pending.size >= MOST_PENDING) return;
    load.count += 1;
    const promise = one(load.count).catch((error: unknown) => void load.failed.push(`${name}: ${String(error)}`));
    pending.add(promise);
    void promise.finally(() => pending.delete(promise));
  }, 1000 / RATE);
  load.stop = async () => {
    clearInterval(timer);
    await Promise.all(pending);
  };
  closeAtEnd(() => clearInterval(timer));
  return load;
}

async function look(visitor: Visitor): Promise<{ answer: Answer; right: boolean }> {
  const answer = await visitor.get('/api/v4/user');
  return { answer, right: answer.status === 200 };
}

async function startSignIn(visitor: Visitor): Promise<{ answer: Answer; right: boolean }> {
  const answer = await visitor.newBrowser().start();
  return { answer, right: answer.status === 302 };
}

async function restart(node: Running, leaveMs: number, again: () => Promise<Running>): Promise<Running> {
  const began = Date.now();
  node.process.kill('SIGTERM');
  expect((await node.ended).code).toBe(0);
  // Ten seconds is how long the last request may take; none of these does, so nobody waits for that.
  expect(Date.now() - began).toBeLessThan(leaveMs + patient(5000));
  return again();
}

type Ways = Record<string, Pick<Way, 'port' | 'tls'>>;

interface Pair {
  sandbox: Sandbox;
  ports: [number, number];
  start(index: number): Promise<Running>;
  leaveMs: number;
}

/** Both processes, on sockets that stay open while they are restarted, or on sockets of their own. */
async function makePair(kind: 'held' | 'own', leaveSeconds = 0): Promise<Pair> {
  const sandbox = await openSandbox();
  const limits = 'rate_limits: { oauth_per_minute: 0, password_per_minute: 0 }';
  const cwd = configure(sandbox, `${limits}\nlisten: { leave_seconds: ${leaveSeconds} }`);
  const ports: [number, number] = [await freePort(), await freePort()];
  const sockets = kind === 'held' ? ports.map((port) => holdSocket(port)) : [];
  return {
    sandbox,
    ports,
    leaveMs: leaveSeconds * 1000,
    start: (index) => {
      const socket = sockets[index];
      return startNode(cwd, ports[index]!, {}, socket === undefined ? {} : { socket });
    },
  };
}

/** Restarts each in turn under load. @returns what failed, pages and forms alike */
async function failuresOf({ sandbox, ports, start, leaveMs }: Pair, ways: Ways): Promise<string[]> {
  const nodes = [await start(0), await start(1)];
  const loads: Load[] = [];
  for (const [name, way] of Object.entries(ways)) {
    const visitor = new Visitor({ ...way, url: PUBLIC_URL });
    expect((await visitor.signIn(sandbox)).status).toBe(303);
    loads.push(putLoadOn(name, visitor));
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const index of ports.keys()) {
      const node = (nodes[index] = await restart(nodes[index]!, leaveMs, () => start(index)));
      await until(() => node.out.includes('"msg":"request"')); // is sent people again, so that the other one may go
    }
  }
  await until(() => loads.every(({ count }) => count > RATE));
  await Promise.all(loads.map((load) => load.stop()));
  return loads.flatMap((load) => load.failed);
}

describeWith(
  [command('nginx'), command('caddy')],
  'rolling restarts behind nginx, Caddy and a balancer of our own',
  () => {
    test(
      'with sockets that systemd holds no page and no form fails (R-10)',
      async () => {
        const pair = await makePair('held');
        const ways = {
          'own balancer': { port: await startBalancer(pair.ports) },
          nginx: { port: (await startNginx(readSample('nginx.conf'), pair.ports)).port, tls: true },
          Caddy: { port: (await startCaddy(readSample('Caddyfile'), pair.ports)).port, tls: true },
        };
        expect(await failuresOf(pair, ways)).toEqual([]);
      },
      TIME_OUT_MS,
    );

    test(
      'without, nothing fails behind a proxy that asks whether a process is leaving (R-10)',
      async () => {
        const pair = await makePair('own', 4);
        const [caddyfile = ''] = readBlocks('reverse-proxies.md', 'Restarts without a gap', 'caddyfile');
        const caddy = await startCaddy(caddyfile, pair.ports);
        expect(await failuresOf(pair, { Caddy: { port: caddy.port, tls: true } })).toEqual([]);
      },
      TIME_OUT_MS,
    );
  },
);

describeWith([linux], 'a socket that is handed over', () => {
  test('has to be the only one', async () => {
    const cwd = configure(await openSandbox());
    const { code, err } = await start(cwd, ['serve'], {}, { before: 'LISTEN_FDS=2 LISTEN_PID=$$' }).ended;
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/^gatehouse: systemd hands over 2 sockets, expected one\. .+\n$/),
    ]);
  });

  test('connections wait in it while there is no process (R-10)', async () => {
    const { ports, start } = await makePair('held');
    const visitor = new Visitor({ url: PUBLIC_URL, port: ports[0] });
    const first = await start(0);
    first.process.kill('SIGTERM');
    await first.ended;
    const waiting = Promise.all(Array.from({ length: 20 }, () => visitor.newBrowser().get('/users/sign_in')));
    await wait(200);
    await start(0);
    for (const { status } of await waiting) expect(status).toBe(200);
  });
});

test('a process that is told to stop says so and goes on for leave_seconds (R-10)', async () => {
  const { sandbox, ports, start } = await makePair('own', 8);
  const alice = new Visitor({ url: PUBLIC_URL, port: ports[0] });
  const node = await start(0);
  expect((await alice.get('/-/readiness')).status).toBe(200);
  node.process.kill('SIGTERM');
  await node.says('stopping');
  const ready = await alice.get('/-/readiness');
  expect(ready.status).toBe(503);
  expect(JSON.parse(ready.text)).toEqual({ status: 'failed', database: 'ok' });
  expect((await alice.get('/-/liveness')).status).toBe(200);
  const callback = await alice.signIn(sandbox);
  expect(callback).toMatchObject({ status: 303, headers: { connection: 'close' } });
  expect((await node.ended).code).toBe(0);
});

test('a sign-in that waits for Bitbucket when the server is told to stop still succeeds', async () => {
  const { sandbox, ports, start } = await makePair('own');
  const alice = new Visitor({ url: PUBLIC_URL, port: ports[0] });
  const node = await start(0);
  sandbox.fault('token', { kind: 'delay', ms: 1500 });
  const underWay = alice.signIn(sandbox);
  await until(() => sandbox.requestsTo('token').length > 0);
  node.process.kill('SIGTERM');
  await node.says('stopping');
  expect((await underWay).status).toBe(303);
  expect((await node.ended).code).toBe(0);
  await expect(alice.get('/')).rejects.toThrow('ECONNREFUSED');
  await start(0);
  expect(await alice.whoAmI()).toBe('alice');
});
