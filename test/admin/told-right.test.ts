// What the administration says and offers is so.
import { give, makeLink } from '../support/one-time-links.ts';
import {
  csrfOf,
  goToBitbucket,
  idOf,
  makeAccount,
  openAs,
  openAsRoot,
  openBrowser,
  signInWithBitbucket,
  startBoth,
} from '../support/people.ts';
import { startApp } from '../support/start-app.ts';
import { eventsOf, follow, PASSWORD, send } from './panel.ts';

test('an address that is there counts as verified once an administrator says that it is theirs', async () => {
  const app = await startApp();
  const id = await makeAccount(app, { username: 'ann', email: 'ann@example.test', email_verified: 0 });
  const root = await openAsRoot(app);
  const verified = async () => (await root.get(`/admin/users/${id}.json`)).body as { emailVerified: boolean };
  const form = { name: 'Ann Lee', email: 'ann@example.test' };
  await follow(root, await send(root, `/admin/users/${id}/edit`, form));
  expect(await verified()).toMatchObject({ name: 'Ann Lee', emailVerified: false });
  expect((await root.get(`/admin/users/${id}`)).text).toContain('The address that is there is theirs');
  await follow(root, await send(root, `/admin/users/${id}/edit`, { ...form, email_verified: '1' }));
  expect(await verified()).toMatchObject({ emailVerified: true });
  expect((await root.get(`/admin/users/${id}`)).text).not.toContain('The address that is there is theirs');
  expect((await eventsOf(app, 'account_changed')).map(({ details }) => details)).toEqual([
    '{"changed":["name"]}',
    '{"changed":["email_verified"]}',
  ]);
});

test('a name of more than 100 characters is refused with the limit, and not cut', async () => {
  const app = await startApp();
  const id = await makeAccount(app, { username: 'ann' });
  const root = await openAsRoot(app);
  const answer = await send(root, `/admin/users/${id}/edit`, { name: 'x'.repeat(101), email: '' });
  expect(await follow(root, answer)).toContain('at most 100 characters; this one has 101');
});

test('pages with an id answer JSON by their .json path, too (INTERFACE 3)', async () => {
  const app = await startApp();
  const root = await openAsRoot(app);
  const id = await idOf(app, 'root');
  expect((await root.get(`/admin/users/${id}.json`).expect(200)).body).toMatchObject({ username: 'root' });
  for (const path of ['/admin/users/999.json', '/imports/999.json']) {
    const answer = await root.get(path).expect(404);
    expect(answer.headers['content-type']).toContain('application/problem+json');
  }
  expect((await root.get('/admin/imports.json').expect(200)).type).toBe('application/json');
});

test('a correction to a Bitbucket account that is taken leads back to the administration', async () => {
  const { app, sandbox } = await startBoth();
  await openAs(app, sandbox, 'alice');
  await openAs(app, sandbox, 'bob');
  const root = await openAsRoot(app);
  const identities = await app.services.db.selectFrom('identities').selectAll().orderBy('id').execute();
  const [alices, bobs] = identities;
  const path = `/admin/users/${alices?.account_id}/identities/${alices?.id}/correct`;
  const page = await send(root, path, { provider: 'bitbucket', extern_uid: bobs?.extern_uid ?? '' });
  expect(page.status).toBe(409);
  expect(page.text).toContain('href="/admin"');
  expect(page.text).not.toContain('Go to your account');
});

test('the last sign-in is that of whoever came in, whatever by; nobody who was refused has one', async () => {
  const { app, sandbox } = await startBoth({ omniauth: '  block_auto_created_users: true\n' });
  await signInWithBitbucket(openBrowser(app), sandbox, 'bob');
  const root = await openAsRoot(app);
  const ids = { bob: await idOf(app, 'bob_builder'), root: await idOf(app, 'root') };
  const lastSignIn = async (id: number) =>
    ((await root.get(`/admin/users/${id}.json`)).body as { lastSignIn: { iso: string } | null }).lastSignIn;
  expect(await lastSignIn(ids.bob)).toBeNull();
  await send(root, `/admin/users/${ids.bob}/approve`);
  await openAs(app, sandbox, 'bob');
  expect(await lastSignIn(ids.bob)).toMatchObject({ iso: expect.any(String) as string });
  await app.services.db.deleteFrom('identities').execute();
  expect(await lastSignIn(ids.bob)).not.toBeNull();
  await give(openBrowser(app), await makeLink(app));
  const { at } = await app.services.db
    .selectFrom('audit_events')
    .select(({ fn }) => fn.max('at').as('at'))
    .where('action', '=', 'sign_in')
    .executeTakeFirstOrThrow();
  expect(Math.abs(Date.parse((await lastSignIn(ids.root))?.iso ?? '') - at)).toBeLessThan(1000);
});

test('the audit log is searched by the words that it shows, too', async () => {
  const app = await startApp();
  await makeLink(app);
  const root = await openAsRoot(app);
  const found = async (q: string) => {
    const answer = await root.get(`/admin/audit_log.json?q=${encodeURIComponent(q)}`).expect(200);
    return (answer.body as { events: { action: string }[] }).events.map(({ action }) => action);
  };
  expect(await found('By a command on the server')).toEqual(['sign_in_link_made']);
  expect(await found('one-time link MADE')).toEqual(['sign_in_link_made']);
  expect(await found('command_line')).toEqual(['sign_in_link_made']);
  expect(await found('no such words')).toEqual([]);
});

test('a configuration file that is gone is told as what it is: a restart would take defaults', async () => {
  const app = await startApp();
  const root = await openAsRoot(app);
  const broken = { at: Date.now(), mistakes: ['config/gatehouse.yml: expected the configuration file'] };
  app.noteState({ broken: { ...broken, fileGone: true } });
  expect((await root.get('/admin/configuration')).text).toContain('a restart would begin with defaults');
  app.noteState({ broken: { ...broken, fileGone: false } });
  expect((await root.get('/admin/configuration')).text).toContain('a restart would fail');
});

test('that root was made at the first start is an event', async () => {
  const app = await startApp({ env: { GATEHOUSE_ROOT_PASSWORD: PASSWORD } });
  const about = { actor_name: null, account_name: 'root', reason: 'first_start' };
  expect(await eventsOf(app, 'account_created')).toMatchObject([about]);
  expect(await eventsOf(app, 'admin_granted')).toMatchObject([about]);
});

test.each(['yes', 'ja', 2, null])('%j is no answer to whether the regular form is on', async (value) => {
  const app = await startApp();
  const root = await openAsRoot(app);
  const csrf = csrfOf(await root.get('/admin'));
  const answer = await root
    .post('/admin/application_settings/general')
    .set({ Accept: 'application/json', 'X-CSRF-Token': csrf })
    .send({ password_authentication_enabled_for_web: value });
  expect([answer.status, (answer.body as { detail: string }).detail]).toEqual([
    400,
    'Expected true or false for password_authentication_enabled_for_web, got something else.',
  ]);
});

test('home says that signing in with Bitbucket is switched off where it is', async () => {
  const { app, sandbox } = await startBoth();
  const root = await openAsRoot(app);
  await goToBitbucket(root, sandbox, 'alice');
  expect((await root.get('/')).text).toContain('Signing in with Bitbucket is set up.');
  const off = { enabled_oauth_sign_in_sources: '', password_authentication_enabled_for_web: '1' };
  await follow(root, await send(root, '/admin/application_settings/general', off));
  expect((await root.get('/')).text).toContain('Signing in with Bitbucket is set up, and switched off.');
});
