// What is asked for at once and what of it begins; tokens that are typed in; scripts with a token of ours.
import request from 'supertest';
import { manyRepositories } from '../../src/sandbox/sample-repositories.ts';
import type { Answer, Browser } from '../support/people.ts';
import { csrfOf, makeAccessToken, openAs, submit } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import type { Listed } from './choosing.ts';
import { list, start, startChoosing, STATUS } from './choosing.ts';

const CREDENTIALS = '/import/bitbucket/credentials';
const API = '/api/v4/import/bitbucket';

/** Ticks boxes and presses the button. */
async function tick(browser: Browser, fields: object, accept = 'text/html'): Promise<Answer> {
  const _csrf = csrfOf(await browser.get('/imports').expect(200));
  return browser
    .post('/import/bitbucket')
    .set('Accept', accept)
    .type('form')
    .send({ _csrf, ...fields });
}

const namesOf = async (browser: Browser) => (await list(browser)).provider_repos.map(({ full_name: name }) => name);

async function keptBy({ services }: TestApp): Promise<string[]> {
  const rows = await services.db.selectFrom('import_credentials').selectAll().orderBy('id').execute();
  return rows.map(({ kind, key }) => `${kind} ${key}`);
}

describe('of several repositories', () => {
  const repositories = [manyRepositories(6, ['acme'])];

  test('those begin that can, and the page says which did not and why', async () => {
    const { app, browser } = await startChoosing({ repositories });
    const [running, one, two] = await namesOf(browser);
    expect((await tick(browser, { repository: running })).headers['location']).toBe('/imports');
    const answer = await tick(browser, { repository: [one, running, 'acme/not-there', two, 'no name'] });
    expect([answer.status, answer.headers['location']]).toEqual([303, '/imports']);
    const { text } = await browser.get('/imports').expect(200);
    expect(text).toContain('2 imports have begun, 3 could not');
    expect(text).toContain(`${running}: An import of it is under way already`);
    expect(text).toContain('acme/not-there, no name: The repository does not exist at Bitbucket');
    expect(await app.services.db.selectFrom('imports').selectAll().execute()).toHaveLength(3);
  });

  test('a script is told of each in its place, and which error it was when none began', async () => {
    const { browser } = await startChoosing({ repositories });
    const [one, two] = await namesOf(browser);
    const json = 'application/json';
    const begun = await tick(browser, { repository: [one, 'acme/not-there', two] }, json);
    expect(begun.status).toBe(201);
    expect(begun.body).toMatchObject([
      { repository: one, status: 'queued' },
      { repository: 'acme/not-there', id: null, status: 'refused', code: 'not_importable' },
      { repository: two, status: 'queued' },
    ]);
    const none = await tick(browser, { repository: [one, 'acme/not-there'] }, json);
    expect([none.status, none.type]).toEqual([409, 'application/problem+json']);
    expect(none.body).toMatchObject({
      code: 'import_running',
      refused: [
        { repository: one, code: 'import_running' },
        { repository: 'acme/not-there', code: 'not_importable' },
      ],
    });
    const alone = await tick(browser, { repository: 'acme/not-there' }, json);
    expect([alone.status, alone.body]).toMatchObject([422, { code: 'not_importable' }]);
    const back = await tick(browser, { repository: [one, two] });
    expect(back.headers['location']).toContain(STATUS);
    expect((await browser.get(STATUS).expect(200)).text).toContain('No import has begun, 2 could not');
  });

  test('a whole page of a hundred can be ticked', async () => {
    const { app, browser } = await startChoosing({ repositories: [manyRepositories(100, ['acme'])] });
    const { provider_repos: all } = await list(browser, '?per_page=100');
    const where = { target_namespace: 'alice', new_name: '', q: '', workspace: 'acme', project: '', sort: 'name' };
    expect((await tick(browser, { repository: all.map(({ uuid }) => uuid), ...where })).status).toBe(303);
    expect(await app.services.db.selectFrom('imports').selectAll().execute()).toHaveLength(100);
  });

  test('a Bitbucket that is away is told as that, and not as repositories that do not exist', async () => {
    const { browser, sandbox } = await startChoosing({ repositories });
    sandbox.fault('repository', { kind: 'answer', status: 403, json: {} });
    expect((await tick(browser, { repository: 'acme/x' }, 'application/json')).status).toBe(422);
    sandbox.clearFaults();
    sandbox.fault('repository', { kind: 'answer', status: 429, headers: { 'retry-after': '600' } });
    const busy = await tick(browser, { repository: 'acme/x' }, 'application/json');
    expect([busy.status, busy.body]).toMatchObject([503, { code: 'provider_busy' }]);
  });
});

describe('a token that is typed in', () => {
  const address = 'alice@example.test';
  const add = (browser: Browser, fields: Record<string, string>) => submit(browser, CREDENTIALS, CREDENTIALS, fields);

  test('is tried with one call, kept sealed, reads, and is forgotten', async () => {
    const { app, sandbox } = await start();
    const browser = await openAs(app, sandbox);
    const token = sandbox.apiToken('alice', ['account', 'repository', 'pullrequest', 'project']);
    sandbox.requests.length = 0;
    const added = await add(browser, { kind: 'api_token', email: address, token });
    expect(added.status).toBe(303);
    expect(sandbox.requests.map(({ route }) => route)).toEqual(['workspaces']);
    const row = await app.services.db.selectFrom('import_credentials').selectAll().executeTakeFirstOrThrow();
    expect(row.sealed).toBeTruthy();
    expect(JSON.stringify(row)).not.toContain(token);
    expect((await namesOf(browser)).length).toBeGreaterThan(0);
    await submit(browser, CREDENTIALS, `${CREDENTIALS}/${row.id}/forget`);
    expect(await keptBy(app)).toEqual([]);
  });

  test('that opens a workspace or a repository is tried there', async () => {
    const { app, sandbox } = await start();
    const browser = await openAs(app, sandbox);
    const { workspace, slug } = sandbox.repositories[0]!;
    for (const place of [workspace, `${workspace}/${slug}`]) {
      const token = sandbox.placeToken(place, ['repository', 'pullrequest']);
      expect((await add(browser, { kind: 'access_token', of: place, token })).status).toBe(303);
    }
    expect(await keptBy(app)).toEqual([`access_token ${workspace}`, `access_token ${workspace}/${slug}`]);
  });

  test('that Bitbucket refuses is not kept, and the form says what it said', async () => {
    const { app, sandbox } = await start();
    const browser = await openAs(app, sandbox);
    const { workspace, slug } = sandbox.repositories[0]!;
    const lacking = sandbox.apiToken('alice', ['repository', 'pullrequest']);
    const elsewhere = sandbox.placeToken(`${workspace}/${slug}`, ['repository', 'pullrequest']);
    const unknown = `ATATT${'x'.repeat(40)}`;
    for (const [fields, words] of [
      [{ kind: 'api_token', email: address, token: unknown }, 'does not accept this API token with this e-mail'],
      [{ kind: 'api_token', email: 'bob@example.test', token: lacking }, 'does not accept this API token'],
      [{ kind: 'api_token', email: address, token: lacking }, 'lacks the permission account'],
      [{ kind: 'access_token', of: workspace, token: unknown }, 'does not accept this access token'],
      [{ kind: 'access_token', of: `${workspace}/no-such-thing`, token: elsewhere }, 'no such workspace or repository'],
      [{ kind: 'access_token', of: 'a/b/c', token: elsewhere }, 'name of the workspace, or workspace/repository'],
      [{ kind: 'access_token', of: workspace, token: 'pasted twice, or not' }, 'That is no token'],
    ] as const) {
      const { status, text } = await add(browser, fields);
      expect([fields, status, text.includes(words)]).toEqual([fields, 422, true]);
      expect(text).toContain(`value="${'email' in fields ? fields.email : fields.of}"`);
      expect(text).not.toContain(fields.token);
    }
    expect(await keptBy(app)).toEqual([]);
  });

  test('is not kept while Bitbucket is away, which is said', async () => {
    const { app, sandbox } = await start();
    const browser = await openAs(app, sandbox);
    const token = sandbox.apiToken('alice', ['account', 'repository', 'pullrequest']);
    sandbox.fault('workspaces', { kind: 'answer', status: 429, headers: { 'retry-after': '600' } });
    const refused = await add(browser, { kind: 'api_token', email: address, token });
    expect([refused.status, refused.text.includes('could not be tried, and nothing was kept')]).toEqual([422, true]);
    expect(await keptBy(app)).toEqual([]);
  });

  test('comes by the API as well: tried with the repository it is sent for', async () => {
    const { app, sandbox } = await start();
    const browser = await openAs(app, sandbox);
    const { workspace, slug } = sandbox.repositories[0]!;
    const script = await makeAccessToken(browser, ['import']);
    const post = (token: string, repo_path = `${workspace}/${slug}`) =>
      request(app.url)
        .post(API)
        .set('PRIVATE-TOKEN', script)
        .send({ repo_path, bitbucket_email: address, bitbucket_api_token: token });
    const good = sandbox.apiToken('alice', ['account', 'repository', 'pullrequest']);
    const wrong = await post(`ATATT${'x'.repeat(40)}`).expect(401);
    expect(wrong.body).toMatchObject({ detail: expect.stringContaining('Bitbucket does not accept') as string });
    const lacking = await post(sandbox.apiToken('alice', ['account'])).expect(403);
    expect(lacking.body).toMatchObject({ detail: expect.stringContaining('permission repository') as string });
    await post(good, `${workspace}/no-such-thing`).expect(422);
    sandbox.fault('repository', { kind: 'answer', status: 429, headers: { 'retry-after': '600' }, times: 1 });
    await post(good).expect(503);
    expect(await keptBy(app)).toEqual([]);
    await post(good).expect(201);
    expect(await keptBy(app)).toEqual([`api_token ${address}`]);
  });
});

describe('a script with a personal access token', () => {
  test('of the scope for it sees what can be imported, starts imports and follows them, always as JSON', async () => {
    const { app, browser } = await startChoosing();
    const token = await makeAccessToken(browser, ['import']);
    const by = (header: Record<string, string>) => (path: string) => request(app.url).get(path).set(header);
    const ask = by({ 'PRIVATE-TOKEN': token });
    for (const path of [STATUS, `${STATUS}.json`]) {
      for (const get of [ask, by({ Authorization: `Bearer ${token}` })]) {
        const answer = await get(path).expect(200);
        expect([answer.type, answer.headers['set-cookie']]).toEqual(['application/json', undefined]);
        expect((answer.body as Listed).provider_repos[0]).toMatchObject({ imported: false });
      }
    }
    const [name] = await namesOf(browser);
    const post = (repository: string) =>
      request(app.url).post('/import/bitbucket').set('PRIVATE-TOKEN', token).type('form').send({ repository });
    const { body } = (await post(String(name)).expect(201)) as { body: { id: number }[] };
    const followed = await ask('/import/bitbucket/realtime_changes.json').expect(200);
    expect(followed.body).toMatchObject([{ id: body[0]?.id, status: 'queued' }]);
    const refused = await post(String(name)).expect(409);
    expect(refused.body).toMatchObject({ code: 'import_running' });
  });

  test('of another scope is told which it lacks, a wrong one is refused, and pages stay closed', async () => {
    const { app, browser } = await startChoosing();
    const reader = await makeAccessToken(browser, ['read_user', 'read_projects'], 'reader');
    const token = await makeAccessToken(browser, ['import']);
    for (const path of [`${STATUS}.json`, '/import/bitbucket/realtime_changes.json']) {
      await request(app.url).get(path).set('PRIVATE-TOKEN', reader).expect(403);
      await request(app.url)
        .get(path)
        .set('PRIVATE-TOKEN', `gatehouse-${'x'.repeat(43)}`)
        .expect(401);
      await request(app.url).get(path).expect(401);
    }
    for (const path of ['/imports', '/imports.json', '/imports/1', CREDENTIALS])
      await request(app.url).get(path).set('PRIVATE-TOKEN', token).expect(404);
    await request(app.url).post(CREDENTIALS).set('PRIVATE-TOKEN', token).send({}).expect(404);
  });
});

test('another place for what is here already is refused, and the place is named', async () => {
  const { browser } = await startChoosing({ repositories: [manyRepositories(1, ['acme'])] });
  const [repository] = await namesOf(browser);
  const json = 'application/json';
  expect((await tick(browser, { repository, new_name: 'first' }, json)).status).toBe(201);
  for (const target of [{ new_name: 'second' }, { target_namespace: 'elsewhere' }]) {
    const refused = await tick(browser, { repository, ...target }, json);
    expect([refused.status, refused.body]).toMatchObject([409, { code: 'path_taken' }]);
    expect((refused.body as { detail: string }).detail).toContain('already, as alice/first.');
  }
  const same = await tick(browser, { repository, target_namespace: 'alice', new_name: 'First' }, json);
  expect(same.body).toMatchObject({ code: 'import_running' });
});
