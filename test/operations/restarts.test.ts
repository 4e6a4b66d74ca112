// Stopping and starting again without anybody noticing.
import { freePort } from '../commands/run.ts';
import type { Running } from '../commands/run.ts';
import { startBalancer } from './balancer.ts';
import { readSample, startCaddy, startNginx } from './fronts.ts';
import { command, describeWith } from './needs.ts';
import { configure, openSandbox, PUBLIC_URL, startNode, wait } from './nodes.ts';
import { closeAtEnd } from '../support/start-app.ts';
import type { Answer, Way } from './visitor.ts';
import { Visitor } from './visitor.ts';

/** Restarts of each of two processes. `OPERATIONS_RESTARTS=10` for a thorough look. */
const ROUNDS = Number(process.env['OPERATIONS_RESTARTS'] ?? 2);
/** Requests a second for each proxy. */
const RATE = 20;

interface Load {
  failed: string[];
  count: number;
  stop(): Promise<void>;
}

/** Caddy before 2.8 does not send a form on to a second process when it cannot reach the first. */
const ONLY_PAGES = ['Caddy'];

/** Signed-in pages and now and then a form, at a steady rate whatever the answers do. */
function putLoadOn(name: string, visitor: Visitor): Load {
  const load: Load = { failed: [], count: 0, stop: () => Promise.resolve() };
  const pending = new Set<Promise<void>>();
  const one = async (turn: number) => {
    const began = Date.now();
    const isForm = turn % 10 === 0 && !ONLY_PAGES.includes(name);
    const { answer, right } = await (isForm ? startSignIn(visitor) : look(visitor));
    const what = isForm ? 'form' : 'page';
    if (!right) load.failed.push(`${name}: ${what} ${answer.status} after ${Date.now() - began} ms`);
  };
  const timer = setInterval(() => {
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

async function restart(node: Running, again: () => Promise<Running>): Promise<Running> {
  const began = Date.now();
  node.process.kill('SIGTERM');
  expect((await node.ended).code).toBe(0);
  // Ten seconds is how long the last request may take; none of these does, so nobody waits for that.
  expect(Date.now() - began).toBeLessThan(5000);
  return again();
}

describeWith([command('nginx'), command('caddy')], 'rolling restarts behind proxies', () => {
  test(
    'two processes are restarted in turn under load and no page fails',
    async () => {
      const sandbox = await openSandbox();
      const cwd = configure(sandbox);
      const ports = [await freePort(), await freePort()];
      const nodes = await Promise.all(ports.map((port) => startNode(cwd, port)));
      const nginx = await startNginx(readSample('nginx.conf'), ports);
      const caddy = await startCaddy(readSample('Caddyfile'), ports);
      const ways: Record<string, Way> = {
        'own balancer': { url: PUBLIC_URL, port: await startBalancer(ports) },
        nginx: { url: PUBLIC_URL, port: nginx.port, tls: true },
        Caddy: { url: PUBLIC_URL, port: caddy.port, tls: true },
      };
      const loads: Load[] = [];
      for (const [name, way] of Object.entries(ways)) {
        const visitor = new Visitor(way);
        expect((await visitor.signIn(sandbox)).status).toBe(303);
        loads.push(putLoadOn(name, visitor));
      }
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const [index, port] of ports.entries()) {
          nodes[index] = await restart(nodes[index]!, () => startNode(cwd, port));
          await wait(500);
        }
      }
      await Promise.all(loads.map((load) => load.stop()));
      const failed = loads.flatMap((load) => load.failed);
      expect(failed.filter((line) => !line.includes(' form '))).toEqual([]);
      // A form that sets out at the very instant a process stops listening may be lost: no proxy sends a form twice.
      expect(failed.length).toBeLessThanOrEqual(1);
      for (const { count } of loads) expect(count).toBeGreaterThan(RATE);
    },
    60_000 + ROUNDS * 30_000,
  );
});

test('a sign-in that waits for Bitbucket when the server is told to stop still succeeds', async () => {
  const sandbox = await openSandbox();
  const cwd = configure(sandbox);
  const port = await freePort();
  const node = await startNode(cwd, port);
  const alice = new Visitor({ url: PUBLIC_URL, port });
  sandbox.fault('token', { kind: 'delay', ms: 1500 });
  const underWay = alice.signIn(sandbox);
  while (sandbox.requestsTo('token').length === 0) await wait(20);
  node.process.kill('SIGTERM');
  await node.says('stopping');
  expect((await underWay).status).toBe(303);
  expect((await node.ended).code).toBe(0);
  await expect(alice.get('/')).rejects.toThrow('ECONNREFUSED');
  await startNode(cwd, port);
  expect(await alice.whoAmI()).toBe('alice');
});
