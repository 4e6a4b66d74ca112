// Lists of imports, page by page: the person's own and everybody's, each read with a few statements whatever its length.
import { insertImport } from '../../src/imports/store.ts';
import { makeProject } from '../projects/make.ts';
import type { Browser } from '../support/people.ts';
import { idOf, openAs, openAsRoot, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

/** A project for each, with so many imports one after the other. */
async function makeImports(
  app: TestApp,
  username: string,
  { projects, each = 1 }: { projects: number; each?: number },
) {
  const { db, now } = app.services;
  const accountId = await idOf(app, username);
  const ids: number[] = [];
  for (let index = 0; index < projects; index += 1) {
    const name = `${username}-${index}`;
    const { id: projectId } = await makeProject(app, { owner_id: accountId, namespace: username, name });
    for (let turn = 0; turn < each; turn += 1) {
      const row = { projectId, accountId, credentialId: null as never, since: null, now: now() };
      ids.push((await db.transaction().execute((trx) => insertImport(trx, row))).id);
    }
  }
  return ids;
}

interface Followed {
  id: number;
  project: { path_with_namespace: string };
  stages: { name: string }[];
}

test('of each project the newest import is listed, fifty a page; scripts page on as in other lists', async () => {
  const { app, sandbox } = await startBoth();
  const alice = await openAs(app, sandbox);
  const ids = await makeImports(app, 'alice', { projects: 60, each: 2 });
  await makeImports(app, 'root', { projects: 1 });
  const first = (await alice.get('/imports').expect(200)).text;
  expect(first.match(/data-import="/g)).toHaveLength(50);
  expect(first).toContain('Page 1 of 2, 60 imports');
  expect(first).toContain('href="/imports?page=2"');
  const second = (await alice.get('/imports?page=2').expect(200)).text;
  expect([...second.matchAll(/data-import="(\d+)"/g)].map(([, id]) => Number(id))).toEqual(
    [19, 17, 15, 13, 11, 9, 7, 5, 3, 1].map((index) => ids[index]),
  );
  expect(second).toContain('data-imports="/imports/events?page=2"');
  const json = await alice.get('/import/bitbucket/realtime_changes.json?per_page=20&page=3').expect(200);
  expect(json.headers).toMatchObject({ 'x-total': '60', 'x-total-pages': '3', 'x-next-page': '' });
  const listed = json.body as Followed[];
  expect(listed).toHaveLength(20);
  expect(listed.at(-1)).toMatchObject({ id: ids[1], project: { path_with_namespace: 'alice/alice-0' } });
  expect(listed.every(({ stages }) => stages[0]?.name === 'repository' && stages.length === 11)).toBe(true);
  expect((await alice.get('/imports.json').expect(200)).body).toHaveLength(60);
  expect((await alice.get('/import/other/realtime_changes.json').expect(200)).body).toEqual([]);
});

test('administrators page through everybody’s imports, all of them or those in one state', async () => {
  const { app, sandbox } = await startBoth();
  await openAs(app, sandbox);
  const ids = await makeImports(app, 'alice', { projects: 55 });
  const { db } = app.services;
  await db.updateTable('imports').set({ status: 'failed' }).where('id', '=', ids[0]!).execute();
  const root = await openAsRoot(app);
  const first = (await root.get('/admin/imports').expect(200)).text;
  expect(first).toContain('Page 1 of 2, 55 imports');
  const second = (await root.get('/admin/imports?page=2').expect(200)).text;
  expect(second.match(/<td>@alice<\/td>/g)).toHaveLength(5);
  const failed = await root.get('/admin/imports?status=failed').set('Accept', 'application/json').expect(200);
  expect([failed.headers['x-total'], failed.body]).toMatchObject(['1', [{ id: ids[0], status: 'failed' }]]);
});

/** What the stream says first. */
async function firstTold(app: TestApp, browser: Browser, query: string): Promise<string> {
  const cookies = browser.jar.getCookies({ domain: 'localhost', path: '/', secure: false, script: false });
  const stop = new AbortController();
  const headers = { cookie: cookies.toValueString() };
  const stream = await fetch(`${app.url}/imports/events${query}`, { headers, signal: stop.signal });
  const { value } = (await stream.body?.pipeThrough(new TextDecoderStream()).getReader().read()) ?? {};
  stop.abort();
  return value ?? '';
}

test('the stream and the report of one import tell of that one, to its owner and to administrators (IM-037)', async () => {
  const { app, sandbox } = await startBoth();
  const [alice, bob, root] = [await openAs(app, sandbox), await openAs(app, sandbox, 'bob'), await openAsRoot(app)];
  const [older, newer] = await makeImports(app, 'alice', { projects: 1, each: 2 });
  for (const browser of [alice, root]) {
    expect(await firstTold(app, browser, `?id=${older}`)).toMatch(`data: [{"id":${older},"status":"queued"`);
    const answer = await browser.get(`/imports/${older}`).set('Accept', 'application/json').expect(200);
    expect(answer.body).toMatchObject({ id: older, progress: { percent: 0, over: false } });
  }
  expect(await firstTold(app, alice, '')).toMatch(`data: [{"id":${newer},`);
  expect(await firstTold(app, bob, `?id=${older}`)).toBe('data: []\n\n');
  await bob.get(`/imports/${older}`).expect(404);
});
