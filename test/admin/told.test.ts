// What people are told, in the pages and by mail, of what an administrator does to their account.
import type { MailServer } from '../support/mail-server.ts';
import { smtpYaml, startMailServer } from '../support/mail-server.ts';
import type { Browser } from '../support/people.ts';
import { idOf, openAs, openAsRoot, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { until } from '../support/until.ts';
import { send } from './panel.ts';

const CHANGED = 'Your e-mail address was changed';

interface World {
  app: TestApp;
  mail: MailServer;
  alice: Browser;
  edit(fields: Record<string, string>): Promise<void>;
  /** What came by mail since the last time, as `address: subject`. */
  mailed(count: number): Promise<string[]>;
}

async function makeWorld(): Promise<World> {
  const mail = await startMailServer();
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(mail) });
  const alice = await openAs(app, sandbox, 'alice');
  const root = await openAsRoot(app);
  const id = await idOf(app, 'alice');
  let read = 0;
  return {
    ...{ app, mail, alice },
    edit: async (fields) => {
      const form = { name: 'Alice Example', email: 'alice@example.test', ...fields };
      expect((await send(root, `/admin/users/${id}/edit`, form)).status).toBe(303);
    },
    mailed: async (count) => {
      await until(() => mail.letters.length >= read + count);
      const letters = mail.letters.slice(read);
      read = mail.letters.length;
      return letters.map(({ to, subject }) => `${to.join()}: ${subject}`).sort();
    },
  };
}

test('of another e-mail address both addresses are told, and the pages, but not where the administrator was', async () => {
  const { alice, edit, mailed, mail } = await makeWorld();
  await edit({ email: 'alice@new.test' });
  expect(await mailed(2)).toEqual([`alice@example.test: ${CHANGED}`, `alice@new.test: ${CHANGED}`]);
  const { text } = await alice.get('/-/profile/account');
  expect(text).toContain(CHANGED);
  expect(text).toContain('An administrator did that.');
  expect(text).not.toContain(', from 127.0.0.1');
  for (const letter of mail.letters) expect(letter.text).not.toMatch(/Address:|Device:/);
  const [toOld] = mail.letters.filter(({ to }) => to[0] === 'alice@example.test');
  expect(toOld?.text).not.toContain('alice@new.test');
});

test('an address that is taken away is told there; one that was never verified gets nothing; of a name nobody is told', async () => {
  const { app, alice, edit, mailed } = await makeWorld();
  await edit({ name: 'Another Alice' });
  expect((await alice.get('/')).text).not.toContain('What happened to your account');
  await edit({ email: '' });
  expect(await mailed(1)).toEqual([`alice@example.test: ${CHANGED}`]);
  await edit({ email: 'alice@new.test' });
  expect(await mailed(1)).toEqual([`alice@new.test: ${CHANGED}`]);
  await app.services.db.updateTable('accounts').set({ email_verified: 0 }).where('username', '=', 'alice').execute();
  await edit({ email: 'alice@newer.test' });
  expect(await mailed(1)).toEqual([`alice@newer.test: ${CHANGED}`]);
});

test('many changes of a name do not hide what is told from its owner', async () => {
  const { app, alice, edit } = await makeWorld();
  await edit({ email: 'alice@new.test' });
  const row = await app.services.db
    .selectFrom('audit_events')
    .selectAll()
    .where('action', '=', 'account_changed')
    .executeTakeFirstOrThrow();
  const event = { ...row, id: undefined, details: JSON.stringify({ changed: ['name'] }), notice: null };
  await app.services.db.insertInto('audit_events').values(Array(60).fill(event)).execute();
  expect((await alice.get('/')).text).toContain(CHANGED);
});

test('an identity that an administrator disconnects or corrects is told by its name', async () => {
  const { app, alice, mailed } = await makeWorld();
  const { services } = app;
  const root = await openAsRoot(app);
  const identity = await services.db.selectFrom('identities').select(['id', 'account_id']).executeTakeFirstOrThrow();
  const path = `/admin/users/${identity.account_id}/identities`;
  const extern_uid = '{0b9f1d52-6c3e-4f7a-8a11-0123456789ab}';
  await send(root, `${path}/${identity.id}/correct`, { provider: 'bitbucket', extern_uid });
  expect(await mailed(1)).toEqual(['alice@example.test: A connected Bitbucket account was corrected']);
  const corrected = await services.db.selectFrom('identities').select('id').executeTakeFirstOrThrow();
  await send(root, `${path}/${corrected.id}/disconnect`);
  expect(await mailed(1)).toEqual(['alice@example.test: A Bitbucket account was disconnected']);
  expect((await alice.get('/')).status).toBe(303); // its sessions have ended
});
