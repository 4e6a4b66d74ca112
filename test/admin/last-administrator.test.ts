// Whatever administrators do, also at the same moment: one who can come in remains.
import { hashPassword } from '../../src/accounts/passwords.ts';
import type { Browser } from '../support/people.ts';
import {
  csrfOf,
  idOf,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  signInWithPassword,
  startBoth,
  whoAmI,
} from '../support/people.ts';
import { race, RACE_MS } from '../support/jitter.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';
import { PASSWORD, send } from './panel.ts';

async function administrators({ services }: TestApp): Promise<string[]> {
  const found = services.db.selectFrom('accounts').where('admin', '=', 1).where('state', '=', 'active');
  return (await found.select('username').orderBy('id').execute()).map(({ username }) => username);
}

test.each(['unmake_admin', 'block', 'delete'])(
  'the last administrator does not %s themselves, and the try is told (AD-006)',
  async (action) => {
    const app = await startApp();
    await makeAccount(app, { username: 'ann' });
    const root = await openAsRoot(app);
    const answer = await send(root, `/admin/users/${await idOf(app, 'root')}/${action}`, { username: 'root' });
    expect(answer.status).toBe(409);
    expect(answer.text).toContain('Nobody could administer this server any more');
    expect(await administrators(app)).toEqual(['root']);
    expect(await whoAmI(root)).toBe('root');
    const [event] = (await app.services.db.selectFrom('audit_events').selectAll().orderBy('id').execute()).slice(-1);
    expect(event).toMatchObject({ result: 'refused', reason: 'last_administrator', account_name: 'root' });
    expect(app.log.join('\n')).not.toMatch(
      /"msg":"(account blocked|account deleted)","?.*"audit":"[a-z_]+","result":"ok"/,
    );
  },
);

test('an administrator who never came in does not count; one who did lets the other go (AD-006)', async () => {
  const app = await startApp();
  const ann = await makeAccount(app, { username: 'ann', admin: 1, password: PASSWORD });
  const root = await openAsRoot(app);
  const rootId = await idOf(app, 'root');
  expect((await send(root, `/admin/users/${rootId}/unmake_admin`)).status).toBe(409);
  const browser = openBrowser(app);
  await signInWithPassword(browser, 'ann', PASSWORD);
  const answer = await send(root, `/admin/users/${rootId}/unmake_admin`);
  expect([answer.status, answer.headers['location']]).toEqual([303, '/']);
  expect(await administrators(app)).toEqual(['ann']);
  expect((await send(browser, `/admin/users/${ann}/block`)).status).toBe(409);
});

test('the only identity of the last administrator is neither disconnected nor corrected (AD-006)', async () => {
  const { app, sandbox } = await startBoth();
  const alice = await openAs(app, sandbox);
  const { db } = app.services;
  await db.updateTable('accounts').set({ admin: 1 }).where('username', '=', 'alice').execute();
  await db.updateTable('accounts').set({ admin: 0 }).where('username', '=', 'root').execute();
  const { id, account_id } = await db.selectFrom('identities').selectAll().executeTakeFirstOrThrow();
  const path = `/admin/users/${account_id}/identities/${id}`;
  expect((await send(alice, `${path}/disconnect`)).status).toBe(409);
  const extern_uid = sandbox.person('carol').uuid;
  expect((await send(alice, `${path}/correct`, { provider: 'bitbucket', extern_uid })).status).toBe(409);
  expect(await db.selectFrom('identities').select(['id', 'extern_uid']).execute()).toEqual([
    { id, extern_uid: sandbox.person('alice').uuid },
  ]);
  expect(await whoAmI(alice)).toBe('alice');
});

test(
  'of two administrators who unmake, block or delete each other at the same moment exactly one succeeds (AD-006)',
  async () => {
    const now = Date.now(); // stands still: however many rounds there are, the proof of presence stays recent
    const app = await startApp({
      now: () => now,
      yaml: 'rate_limits: { password_per_minute: 0, password_per_account: 0 }\n',
    });
    const { db } = app.services;
    const rootId = await idOf(app, 'root');
    await race(async ({ round, late }) => {
      const username = `ann-${round}`;
      const id = await makeAccount(app, { username, admin: 1, password: PASSWORD });
      const [root, ann] = [openBrowser(app), openBrowser(app)];
      const admins = {
        admin: 1,
        state: 'active',
        password_hash: await hashPassword(PASSWORD),
        password_used_at: now,
      } as const;
      await db.updateTable('accounts').set(admins).where('id', 'in', [rootId, id]).execute();
      await signInWithPassword(root, 'root', PASSWORD);
      await signInWithPassword(ann, username, PASSWORD);
      const action = ['unmake_admin', 'block', 'delete'][round % 3];
      const press = async (browser: Browser, whom: number, name: string) => {
        const _csrf = csrfOf(await browser.get('/admin').expect(200));
        return () => browser.post(`/admin/users/${whom}/${action}`).type('form').send({ _csrf, username: name });
      };
      const presses = [await press(root, id, username), await press(ann, rootId, round % 3 === 2 ? 'x' : 'root')];
      const statuses = (await Promise.all(presses.map((one) => late(async () => one())))).map(({ status }) => status);
      // Root stays for the next round: their deletion is tried with a name that is not theirs.
      if (round % 3 !== 2) expect(statuses.filter((status) => status === 303)).toHaveLength(1);
      for (const status of statuses) expect([303, 401, 403, 404, 409]).toContain(status);
      expect(await administrators(app)).toHaveLength(1);
      await db.updateTable('accounts').set({ admin: 0 }).where('id', '=', id).execute();
    });
  },
  RACE_MS,
);
