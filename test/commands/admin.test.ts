// `gatehouse admin`, run as a process; what it does to accounts is told by test/accounts/sign-in-links.test.ts.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepSecret } from '../support/leaks.ts';
import { csrfOf, openBrowser, whoAmI } from '../support/people.ts';
import { makeDataDir } from '../support/at-end.ts';
import { freePort, run, start } from './run.ts';

test('in a folder without a database nothing is made, and the words say where it was looked for', async () => {
  const cwd = makeDataDir();
  const all = ['approve', 'create', 'link'].map((action) => run(cwd, ['admin', action, 'alice']));
  for (const { code, err, out } of await Promise.all(all)) {
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(`there is no database at ${join(cwd, 'data/gatehouse.db')}`);
    expect(err).toContain('--config FILE');
    expect(err).not.toContain('Nobody is waiting');
    expect(err.trim().split('\n')).toHaveLength(1);
  }
  expect(readdirSync(cwd)).toEqual([]);
});

test('--email and --admin belong to `admin create` alone', async () => {
  const cwd = makeDataDir();
  const wrong = [
    ['serve', '--admin'],
    ['doctor', '--email', 'a@b.test'],
    ['admin', 'link', 'root', '--admin'],
  ];
  const [bare, ...others] = await Promise.all([['admin'], ...wrong].map((args) => run(cwd, args)));
  for (const other of others)
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining('usage: gatehouse') as string });
  for (const word of ['approve', 'create', 'reset', 'link']) expect(bare?.err).toContain(word);
  expect(existsSync(join(cwd, 'data'))).toBe(false);
});

test('locked out of everything: the link of `admin link` leads in, beside the running server', async () => {
  const port = await freePort();
  const cwd = makeDataDir();
  mkdirSync(join(cwd, 'config'));
  const yaml = `listen: { port: ${port} }\npassword_sign_in: false\n`;
  writeFileSync(join(cwd, 'config/gatehouse.yml'), yaml, { mode: 0o600 });
  const server = start(cwd, ['serve']);
  await server.says('Gatehouse is ready');
  const { code, out } = await run(cwd, ['admin', 'link', 'root']);
  const [, path = '', token = ''] = /http:\/\/localhost:\d+(\S+)#(\S+)/.exec(out) ?? [];
  keepSecret('token of a one-time link', token, 'output of a process');
  expect([code, path]).toEqual([0, '/users/one_time_sign_in']);
  const browser = openBrowser({ url: `http://localhost:${port}` });
  const _csrf = csrfOf(await browser.get(path));
  await browser.post(path).type('form').send({ _csrf, token }).expect(303);
  expect(await whoAmI(browser)).toBe('root');
  expect(server.out).not.toContain(token);
});

test('create makes an administrator whose address is in no log', async () => {
  const cwd = makeDataDir();
  await run(cwd, ['migrate']);
  const made = await run(cwd, ['admin', 'create', 'Ada', '--email', 'ada@example.test', '--admin']);
  expect(made).toMatchObject({ code: 0, err: '' });
  expect(made.out).toMatch(
    /^ada was made, an administrator\. To sign in:\n {2}http:\/\/localhost:3000\/users\/one_time_sign_in#\S{43}\n/,
  );
  expect(await run(cwd, ['admin', 'create', 'ada'])).toMatchObject({ code: 1 });
});
