// kill -9 in the middle of a sign-in.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { CONSUMER, providerYaml } from '../support/provider.ts';
import { clickBitbucket, openBrowser, pathOf, signInWithBitbucket } from '../support/people.ts';
import { closeSandboxAtEnd, makeDataDir } from '../support/at-end.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { until } from '../support/until.ts';
import { freePort, start } from './run.ts';

test('killed between click and return, and again while Bitbucket is asked: the way goes on, and one account is made (CB-014, CB-063)', async () => {
  const port = await freePort();
  const sandbox = await startSandbox({
    consumers: [{ ...CONSUMER, callbackUrl: `http://localhost:${port}/users/auth`, permissions: ['account', 'email'] }],
  });
  closeSandboxAtEnd(sandbox);
  const cwd = makeDataDir();
  mkdirSync(join(cwd, 'config'));
  writeFileSync(join(cwd, 'config/gatehouse.yml'), `listen: { port: ${port} }\n${providerYaml(sandbox)}`, {
    mode: 0o600,
  });
  const serve = async () => {
    const server = start(cwd, ['serve']);
    await server.says('Gatehouse is ready');
    return server;
  };
  const kill = async (server: Awaited<ReturnType<typeof serve>>) => {
    server.process.kill('SIGKILL');
    await server.ended;
  };
  const browser = openBrowser({ url: `http://localhost:${port}` });

  const first = await serve();
  const back = pathOf(await sandbox.decide(await clickBitbucket(browser), { as: 'alice' }));
  await kill(first);

  const second = await serve();
  sandbox.fault('user', { kind: 'delay', ms: 2000, times: 1 });
  const cutOff = expect(browser.get(back)).rejects.toThrow();
  await until(() => sandbox.requestsTo('user').length > 0);
  await kill(second);
  await cutOff;

  await serve();
  expect((await browser.get(back)).status).toBe(400); // the code is spent
  expect((await signInWithBitbucket(browser, sandbox)).status).toBe(303);
  const db = new BetterSqlite3(join(cwd, 'data/gatehouse.db'), { readonly: true });
  expect(db.prepare('select count(*) as identities from identities').get()).toEqual({ identities: 1 });
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  db.close();
});
