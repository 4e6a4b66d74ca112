// Reloading a server that has work to do: nobody notices, whether the new file is good or broken.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';
import { until } from '../support/until.ts';
import type { Running } from './run.ts';
import { freePort, start } from './run.ts';

interface Scene {
  server: Running;
  write(yaml: string): void;
  /** Ends the load and gives how many requests went well and what became of the others. */
  stop(): Promise<{ good: number; bad: unknown[] }>;
}

/** A server whose sign-in page is asked for all the time, over connections of its own and over new ones. */
async function startUnderLoad(): Promise<Scene> {
  const port = await freePort();
  const cwd = makeDataDir();
  mkdirSync(join(cwd, 'config'));
  const write = (yaml: string) =>
    writeFileSync(join(cwd, 'config/gatehouse.yml'), `listen: { port: ${port} }\n${yaml}`, { mode: 0o600 });
  write('');
  const server = start(cwd, ['serve']);
  await server.says('Gatehouse is ready');
  const result = { good: 0, bad: [] as unknown[] };
  let goesOn = true;
  const ask = async (agent: Agent) => {
    while (goesOn) {
      const outcome = await statusOf(port, agent);
      if (outcome === 200) result.good += 1;
      else result.bad.push(outcome);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const kept = new Agent({ keepAlive: true });
  const asking = [ask(kept), ask(kept), ask(new Agent())]; // some 200 a second, on a machine with nothing else to do
  closeAtEnd(() => void ((goesOn = false), kept.destroy()));
  return {
    server,
    write,
    stop: async () => {
      goesOn = false;
      await Promise.all(asking);
      return result;
    },
  };
}

function statusOf(port: number, agent: Agent): Promise<unknown> {
  return new Promise((resolve) => {
    get(
      { host: '127.0.0.1', port, path: '/users/sign_in', agent, headers: { host: `localhost:${port}` } },
      (answer) => {
        answer.resume().once('end', () => resolve(answer.statusCode));
      },
    ).once('error', resolve);
  });
}

const count = ({ out }: Running, words: string) => out.split(words).length - 1;

async function reload(server: Running, words: string): Promise<void> {
  const before = count(server, words);
  server.process.kill('SIGHUP');
  await until(() => count(server, words) > before);
}

test('a broken file costs no request and one line of the log, and the old configuration stays (CF-007)', async () => {
  const { server, write, stop } = await startUnderLoad();
  write('password_sign_in: perhaps\n');
  await reload(server, 'configuration not reloaded');
  const { good, bad } = await stop();
  expect(bad).toEqual([]);
  expect(good).toBeGreaterThan(0);
  const lines = server.out.split('\n').filter((line) => line.includes('not reloaded'));
  expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
    { level: 'error', mistakes: [expect.stringMatching(/^config\/gatehouse\.yml:2:1 password_sign_in: /)] },
  ]);
});

test('a hundred reloads cost no request and leave nothing open (CF-008)', async () => {
  const { server, write, stop } = await startUnderLoad();
  const openFiles = () => readdirSync(`/proc/${server.process.pid}/fd`).length;
  for (let times = 0; times < 100; times += 1) {
    write(`session: { idle_minutes: ${times + 1} }\n`);
    await reload(server, 'configuration reloaded');
  }
  const { good, bad } = await stop();
  expect(bad).toEqual([]);
  expect(good).toBeGreaterThan(10);
  if (process.platform === 'linux') expect(openFiles()).toBeLessThan(60);
});
