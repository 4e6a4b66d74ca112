// Choosing, starting and watching imports, through the pages and the API.
import request from 'supertest';
import {
  csrfOf,
  eventsOf,
  goToBitbucket,
  makeAccessToken,
  openBrowser,
  pathOf,
  signInWithBitbucket,
  signInWithPassword,
  submit,
} from '../support/people.ts';
import { allowImporting, list, start, STATUS } from './choosing.ts';

test('strangers are led to sign in, scripts are told 401', async () => {
  const { app } = await start();
  const led = await openBrowser(app).get(STATUS).expect(303);
  expect(led.headers['location']).toBe(`/users/sign_in?return_to=${encodeURIComponent(STATUS)}`);
  await openBrowser(app).get(`${STATUS}.json`).expect(401);
});

test('who signs in is not asked for their code; importing asks for it then, read only (IM-043)', async () => {
  const { app, sandbox } = await start();
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  expect(await app.services.db.selectFrom('provider_tokens').selectAll().execute()).toEqual([]);
  expect((await browser.get(STATUS).expect(200)).text).toContain('Continue to Bitbucket');
  const back = await allowImporting(browser, sandbox);
  expect([back.status, back.headers['location']]).toEqual([303, STATUS]);
  const page = await browser.get(STATUS).expect(200);
  expect(page.text).toContain(sandbox.repositories[0]?.slug);
  expect(await eventsOf(app, 'import_allowed')).toEqual(['import_allowed ok bitbucket']);
});

test('a consent renewed is the same credential, and another account at Bitbucket is another one', async () => {
  const { app, sandbox } = await start();
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  await allowImporting(browser, sandbox);
  await submit(browser, `/import/bitbucket/credentials`, '/users/auth/bitbucket', { purpose: 'import' });
  const credentials = () => app.services.db.selectFrom('import_credentials').selectAll().execute();
  expect(await credentials()).toHaveLength(1);
  const again = await submit(browser, '/import/bitbucket/credentials', '/users/auth/bitbucket', { purpose: 'import' });
  await browser.get(pathOf(await sandbox.decide(String(again.headers['location']), { as: 'bob', decision: 'allow' })));
  expect((await credentials()).map(({ label }) => label)).toHaveLength(2);
});

test('a consent ends with the connection of whoever has given it, also when that came later (IR-009)', async () => {
  const { app, sandbox } = await start();
  const { db } = app.services;
  const root = openBrowser(app);
  await signInWithPassword(root);
  await allowImporting(root, sandbox);
  await allowImporting(root, sandbox, 'bob');
  const consents = async () => {
    const rows = await db.selectFrom('import_credentials').selectAll().orderBy('id').execute();
    return rows.map(({ label, identity_id }) => [label, identity_id !== null]);
  };
  const [alice, bob] = (await consents()).map(([label]) => label);
  expect((await goToBitbucket(root, sandbox, 'alice')).status).toBe(303);
  expect(await consents()).toEqual([
    [alice, true],
    [bob, false],
  ]);
  const { id } = await db.selectFrom('identities').select('id').executeTakeFirstOrThrow();
  const page = '/-/profile/account';
  expect((await submit(root, page, `${page}/identities/${id}/disconnect`)).status).toBe(303);
  expect(await consents()).toEqual([[bob, false]]);
});

test('importing goes on where signing in is off, also for somebody with a password only', async () => {
  const { app, sandbox } = await start();
  const root = openBrowser(app);
  await signInWithPassword(root);
  await submit(root, '/admin/application_settings/general', '/admin/application_settings/general', {
    enabled_oauth_sign_in_sources: '',
    password_authentication_enabled_for_web: '1',
    import_sources: 'bitbucket',
  });
  await root
    .post('/users/auth/bitbucket')
    .type('form')
    .send({ _csrf: csrfOf(await root.get('/').expect(200)) })
    .expect(404);
  await allowImporting(root, sandbox);
  expect((await list(root)).provider_repos.length).toBeGreaterThan(0);
});

test.each(['intersect', 'error'] as const)(
  'a consumer that lacks a permission is told of, and nothing is kept: %s',
  async (answer) => {
    const { app, sandbox } = await start({ permissions: ['account', 'email', 'repository'] });
    sandbox.switches.excessScope = answer;
    const browser = openBrowser(app);
    await signInWithBitbucket(browser, sandbox);
    const refused = await allowImporting(browser, sandbox);
    expect(refused.status).toBe(403);
    expect(refused.text).toContain('Pull requests: Read');
    expect(await app.services.db.selectFrom('import_credentials').selectAll().execute()).toEqual([]);
  },
);

test('repositories are started by name or uuid, are listed as imported then, and are nobody else’s to see (IM-037, IR-020)', async () => {
  const { app, sandbox } = await start();
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  await allowImporting(browser, sandbox);
  const [first] = (await list(browser)).provider_repos;
  if (!first) throw new Error('nothing to import');
  expect(first.imported).toBe(false);
  const begun = await submit(browser, STATUS, '/import/bitbucket', { repository: first.uuid });
  expect([begun.status, begun.headers['location']]).toEqual([303, '/imports']);
  expect((await list(browser)).provider_repos.find(({ uuid }) => uuid === first.uuid)?.imported).toBe(true);
  expect((await browser.get('/imports').expect(200)).text).toContain(first.full_name);
  const [running] = (await browser.get('/import/bitbucket/realtime_changes.json').expect(200)).body as {
    id: number;
    status: string;
  }[];
  expect(running?.status).toBe('queued');

  const _csrf = csrfOf(await browser.get('/imports').expect(200));
  const twice = { _csrf, repository: first.full_name };
  await browser.post('/import/bitbucket').set('Accept', 'application/json').send(twice).expect(409);
  const other = openBrowser(app);
  await signInWithBitbucket(other, sandbox, 'bob');
  await other.get(`/imports/${running?.id}`).expect(404);
  await other.get('/imports/9999').expect(404);
  // An administrator may look and stop; what reads again would do so with what somebody else has given.
  const root = openBrowser(app);
  await signInWithPassword(root);
  await root.get(`/imports/${running?.id}`).expect(200);
  for (const act of ['retry', 'resync']) {
    expect((await submit(root, '/imports', `/imports/${running?.id}/${act}`)).status).toBe(404);
  }
  expect((await submit(root, '/imports', `/imports/${running?.id}/cancel`)).status).toBe(303);
});

test('imports are data for who asks for JSON or for a path that ends so', async () => {
  const { app, sandbox } = await start();
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  await allowImporting(browser, sandbox);
  const [first] = (await list(browser)).provider_repos;
  await submit(browser, STATUS, '/import/bitbucket', { repository: first!.uuid });
  const asked = await browser.get('/imports').set('Accept', 'application/json').expect(200);
  expect(asked.body).toMatchObject([{ id: 1, status: 'queued', stages: expect.any(Array) as unknown }]);
  expect((await browser.get('/imports.json').expect(200)).body).toEqual(asked.body);
  expect(asked.body).toMatchObject([(await browser.get('/imports/1.json').expect(200)).body]);
});

test('an import is not started as GET, without the form token, or from another site (IM-038)', async () => {
  const { app, sandbox } = await start();
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  await allowImporting(browser, sandbox);
  await browser.get('/import/bitbucket').expect(405);
  await browser.post('/import/bitbucket').type('form').send({ repository: 'acme/x' }).expect(403);
  const _csrf = csrfOf(await browser.get('/imports').expect(200));
  const cross = browser.post('/import/bitbucket').set('Sec-Fetch-Site', 'cross-site').type('form');
  await cross.send({ _csrf, repository: 'acme/x' }).expect(403);
  expect(await app.services.db.selectFrom('imports').selectAll().execute()).toEqual([]);
});

test('an import is of who asks for it, whoever else the request names (IM-038)', async () => {
  const { app, sandbox } = await start();
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  await allowImporting(browser, sandbox);
  const [first] = (await list(browser)).provider_repos;
  const token = await makeAccessToken(browser, ['import']);
  const root = 1;
  const others = { user_id: root, account_id: root, owner_id: root, sudo: 'root' };
  const post = request(app.url).post('/api/v4/import/bitbucket?sudo=root').set('PRIVATE-TOKEN', token);
  await post
    .set('Sudo', 'root')
    .send({ repo_path: first?.full_name, ...others })
    .expect(201);
  const { db } = app.services;
  const { id } = await db.selectFrom('accounts').select('id').where('username', '=', 'alice').executeTakeFirstOrThrow();
  expect(await db.selectFrom('imports').select('account_id').execute()).toEqual([{ account_id: id }]);
  expect(await db.selectFrom('projects').select('owner_id').execute()).toEqual([{ owner_id: id }]);
});

test('a script imports with a token of the scope for it, and a repository that is not there is 422', async () => {
  const { app, sandbox } = await start();
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  await allowImporting(browser, sandbox);
  const [first] = (await list(browser)).provider_repos;
  const token = await makeAccessToken(browser, ['import']);
  const post = (body: object, bearer = token) =>
    request(app.url).post('/api/v4/import/bitbucket').set('PRIVATE-TOKEN', bearer).send(body);
  const made = await post({ repo_path: first?.full_name, new_name: 'brought-home' }).expect(201);
  expect(made.body).toMatchObject({
    name: 'brought-home',
    import_source: first?.full_name,
    import_status: 'scheduled',
  });
  const reader = await makeAccessToken(browser, ['read_projects'], 'reader');
  const { id } = made.body as { id: number };
  const stands = (path: string | number, bearer = token) =>
    request(app.url).get(`/api/v4/projects/${path}/import`).set('PRIVATE-TOKEN', bearer);
  expect((await stands(id).expect(200)).body).toMatchObject({ status: 'queued', failures: [], api_calls: 0 });
  expect((await stands(id, reader).expect(200)).body).toMatchObject({ status: 'queued' });
  await stands('9999').expect(404);
  await post({ repo_path: 'acme/no-such-thing' }).expect(422);
  await post({}).expect(400);
  await post({ repo_path: first?.full_name, bitbucket_username: 'a', bitbucket_app_password: 'b' }).expect(400);
  const other = await makeAccessToken(browser, ['read_user'], 'other');
  await post({ repo_path: first?.full_name }, other).expect(403);
  await stands(id, other).expect(403);
  await request(app.url).post('/api/v4/import/bitbucket').send({ repo_path: 'a/b' }).expect(401);
});

test('what moves is told in a stream of events that goes on while the page is open', async () => {
  const { app, sandbox } = await start();
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  await allowImporting(browser, sandbox);
  const [first] = (await list(browser)).provider_repos;
  await submit(browser, STATUS, '/import/bitbucket', { repository: String(first?.uuid) });
  const cookie = browser.jar.getCookies({ domain: 'localhost', path: '/', secure: false, script: false });
  const stream = await fetch(`${app.url}/imports/events`, { headers: { cookie: cookie.toValueString() } });
  const told = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await told?.read())?.value).toContain('"status":"queued"');
  await app.services.db.updateTable('imports').set({ status: 'cancelled', finished_at: Date.now() }).execute();
  expect((await told?.read())?.value).toContain('"status":"cancelled"');
  app.services.leaving = true; // a stop ends it
  expect((await told?.read())?.done).toBe(true);
});

test('importing that is switched off is not there', async () => {
  const { app, sandbox } = await start({ omniauth: 'import: { enabled: false }\n' });
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox);
  await browser.get(STATUS).expect(404);
  expect((await browser.get('/').expect(200)).text).not.toContain('Import from Bitbucket');
});
