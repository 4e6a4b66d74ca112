// Admin → Audit log: what is shown, how it is narrowed down, and the export.
import { sql } from 'kysely';
import { AUDIT_ACTIONS, insertEvent } from '../../src/audit/record.ts';
import type { AuditEvent } from '../../src/audit/record.ts';
import { reasonInWords } from '../../src/audit/words.ts';
import type { Browser } from '../support/people.ts';
import {
  idOf,
  makeAccount,
  openAsRoot,
  openBrowser,
  signInWithBitbucket,
  signInWithPassword,
  startBoth,
} from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';
import { readText, send } from './panel.ts';

async function addEvents({ services }: TestApp, events: (AuditEvent & { at?: string })[]): Promise<void> {
  for (const { at, ...event } of events) {
    const now = () => (at === undefined ? services.now() : Date.parse(at));
    await insertEvent({ now }, services.db, event);
  }
}

/** Sign-ins of nobody in particular. */
async function addMany({ services: { db } }: TestApp, count: number): Promise<void> {
  await sql`with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${sql.lit(count)})
    insert into audit_events (at, action, result, search_text)
    select 1, 'sign_in', 'ok', 'sign_in' from numbers`.execute(db);
}

async function exported(browser: Browser, query: Record<string, string> = {}): Promise<Record<string, unknown>[]> {
  const answer = await browser.get('/admin/audit_log.jsonl').query(query).buffer().parse(readText).expect(200);
  const lines = String(answer.body).split('\n');
  expect(lines.pop()).toBe('');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('the log says in words who did what to whom, from where, and why it was refused (AD-014)', async () => {
  const { app, sandbox } = await startBoth({ omniauth: '  block_auto_created_users: true\n' });
  await signInWithBitbucket(openBrowser(app), sandbox);
  const root = await openAsRoot(app);
  await send(root, `/admin/users/${await idOf(app, 'alice')}/approve`);
  await signInWithPassword(openBrowser(app), 'root', 'a wrong one');
  const page = (await root.get('/admin/audit_log').expect(200)).text;
  for (const words of ['Account approved', 'Account made', 'has to be approved', 'wrong password', '127.0.0.1'])
    expect(page).toContain(words);
  expect(page).toContain('@alice');
  expect(page).toContain('Events are kept for 365 days');
  const [approved] = await exported(root, { action: 'account_approved' });
  expect(approved).toMatchObject({
    action: 'account_approved',
    result: 'ok',
    actor_name: 'root',
    account_name: 'alice',
    address: '127.0.0.1',
  });
  expect(approved?.['at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(approved?.['request_id']).toMatch(/^[0-9a-f-]{36}$/);
  expect(approved).not.toHaveProperty('search_text');
});

test('events are narrowed down by text, action, result, account and day', async () => {
  const app = await startApp();
  const [ann, bob] = [
    { id: await makeAccount(app, { username: 'ann' }), username: 'ann' },
    { id: await makeAccount(app, { username: 'bob' }), username: 'bob' },
  ];
  await addEvents(app, [
    { action: 'account_blocked', actor: ann, account: bob, at: '2026-01-01T23:59:59.999Z' },
    { action: 'sign_in', actor: null, account: bob, result: 'refused', reason: 'blocked', at: '2026-01-02T00:00:00Z' },
    { action: 'sign_out', actor: ann, at: '2026-01-02T23:59:59.999Z' },
    { action: 'settings_changed', actor: ann, target: '100%_Odd', at: '2026-01-03T00:00:00Z' },
    { action: 'account_deleted', actor: ann, account: { id: 4711, username: 'gone' }, at: '2026-01-04T00:00:00Z' },
  ]);
  const root = await openAsRoot(app);
  const ask = async (query: Record<string, string>) =>
    (await exported(root, { to: '2026-02-01', ...query })).map(({ action }) => action);
  expect(await ask({})).toHaveLength(5);
  expect(await ask({ action: 'sign_in' })).toEqual(['sign_in']);
  expect(await ask({ result: 'refused' })).toEqual(['sign_in']);
  expect(await ask({ account: 'bob' })).toEqual(['sign_in', 'account_blocked']);
  expect(await ask({ account: `#${bob.id}`, result: 'ok' })).toEqual(['account_blocked']);
  expect(await ask({ account: '@ann' })).toHaveLength(4);
  expect(await ask({ account: 'gone' })).toEqual(['account_deleted']);
  expect(await ask({ account: 'nobody-at-all' })).toEqual([]);
  expect(await ask({ from: '2026-01-02', to: '2026-01-02' })).toEqual(['sign_out', 'sign_in']);
  expect(await ask({ q: '%_odd' })).toEqual(['settings_changed']);
  expect(await ask({ q: '%' })).toEqual(['settings_changed']);
  expect(await ask({ q: 'GONE' })).toEqual(['account_deleted']);
  const page = (await root.get('/admin/audit_log?to=2026-02-01&result=refused').expect(200)).text;
  expect(page.match(/<time /g)).toHaveLength(1);
});

test('events of a day are found also where a clock was wrong meanwhile', async () => {
  const app = await startApp();
  const at = ['2026-03-01T10:00:00Z', '2027-05-01T00:00:00Z', '2026-03-01T11:00:00Z', '2020-01-01T00:00:00Z'];
  await addEvents(
    app,
    at.map((time) => ({ action: 'sign_out', actor: null, target: time, at: time })),
  );
  const root = await openAsRoot(app);
  const ask = async (query: Record<string, string>) =>
    (await exported(root, { action: 'sign_out', ...query })).map(({ target }) => target);
  expect(await ask({ from: '2026-03-01', to: '2026-03-01' })).toEqual([at[2], at[0]]);
  expect(await ask({ from: '2027-05-01', to: '2027-05-01' })).toEqual([at[1]]);
  expect(await ask({ to: '2021-01-01' })).toEqual([at[3]]);
  expect(await ask({ from: '2026-02-28', to: '2027-06-01', q: 'sign' })).toEqual([at[2], at[1], at[0]]);
  expect(await ask({ from: '2026-03-02', to: '2026-04-01' })).toEqual([]);
});

test('a search looks at so many events at a time, and goes on from there until all were looked at', async () => {
  const app = await startApp();
  await addEvents(app, [{ action: 'sign_out', actor: null, target: 'the-very-first' }]);
  await addMany(app, 55_000);
  const root = await openAsRoot(app);
  const first = (await root.get('/admin/audit_log?q=the-very-first').expect(200)).text;
  expect(first).not.toContain('<p>the-very-first</p>');
  expect(first).toContain('There are older events, which were not looked at yet');
  const older = /rel="next" href="([^"]+)"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const second = (await root.get(older).expect(200)).text;
  expect(second).toContain('<p>the-very-first</p>');
  expect(second).not.toContain('rel="next"');
  expect(await exported(root, { q: 'the-very-first' })).toMatchObject([{ target: 'the-very-first' }]);
  // What an index knows is found at once, however long ago it was.
  expect((await root.get('/admin/audit_log?action=sign_out')).text).toContain('<p>the-very-first</p>');
});

test('of an administrator who was deleted no search finds name or address any more (LG-009)', async () => {
  const app = await startApp();
  const [ann, bob] = [
    await makeAccount(app, { username: 'ann-lee', admin: 1 }),
    await makeAccount(app, { username: 'bob' }),
  ];
  await addEvents(app, [
    { action: 'account_blocked', actor: { id: ann, username: 'ann-lee' }, account: { id: bob, username: 'bob' } },
  ]);
  await app.services.db.updateTable('audit_events').set({ address: '192.0.2.77' }).execute();
  const root = await openAsRoot(app);
  expect((await root.get('/admin/audit_log?q=ann-lee')).text).toContain('Account blocked</strong>');
  await send(root, `/admin/users/${ann}/delete`, { username: 'ann-lee' });
  const rows = await app.services.db.selectFrom('audit_events').selectAll().execute();
  expect(JSON.stringify(rows)).not.toContain('ann-lee');
  expect(JSON.stringify(rows)).not.toContain('192.0.2.77');
  expect(await exported(root, { q: 'bob' })).toMatchObject([{ actor_name: `deleted-${ann}`, account_name: 'bob' }]);
  expect(await exported(root, { q: `deleted-${ann}`, action: 'account_blocked' })).toHaveLength(1);
});

test('pages go on where the last one ended, also when events come in between', async () => {
  const app = await startApp();
  await addEvents(
    app,
    Array.from({ length: 120 }, (_, index) => ({ action: 'sign_out', actor: null, target: `number ${index}` })),
  );
  const root = await openAsRoot(app);
  const seen: string[] = [];
  let path: string | undefined = '/admin/audit_log?action=sign_out';
  while (path !== undefined) {
    const page: string = (await root.get(path).expect(200)).text;
    seen.push(...[...page.matchAll(/<p>(number \d+)<\/p>/g)].map(([, target = '']) => target));
    path = /rel="next" href="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');
    await addEvents(app, [{ action: 'sign_out', actor: null, target: 'late' }]);
  }
  expect(seen).toEqual(Array.from({ length: 120 }, (_, index) => `number ${119 - index}`));
});

test.each([
  'before=-1',
  'before=1e99',
  'before=x',
  'before=9223372036854775808',
  'before=1&before=2',
  'action=__proto__',
  'action=drop',
  'result=x',
  'from=2026-13-45',
  'from=x&to=9999-99-99',
  'account=%23',
  'account=%23999999999999999999',
  'account=%00',
  'q=%00',
  'q=%27%20or%201=1',
  `q=${'%25'.repeat(300)}`,
])('the query %s is answered with a page (AD-010)', async (query) => {
  const root = await openAsRoot(await startApp());
  await root.get(`/admin/audit_log?${query}`).expect(200);
});

test('no text of a stranger begins a line, an attribute or a formula in page and export (AD-014, AD-009)', async () => {
  const app = await startApp();
  const evil = '=cmd|\'/c calc\'!A1\r\n{"id":0,"action":"admin_granted"}\u2028\u202e<script>alert(1)</script>\x1b[2J';
  await addEvents(app, [
    { action: 'settings_changed', actor: { id: 9, username: 'x' }, target: evil, details: { [evil]: [evil] } },
  ]);
  const root = await openAsRoot(app);
  const [line, ...more] = await exported(root, { action: 'settings_changed' });
  expect(more).toEqual([]);
  expect(line).toMatchObject({ target: evil, details: { [evil]: [evil] } });
  const answer = await root.get('/admin/audit_log.jsonl?action=settings_changed').buffer().parse(readText);
  const text = String(answer.body);
  expect(text).toMatch(/^\{/);
  for (const letter of ['\r', '\u2028', '\u202e', '\x1b']) expect(text).not.toContain(letter);
  expect(text).not.toMatch(/\n./);
  expect((await root.get('/admin/audit_log')).text).not.toContain('<script>alert');
});

test('the export comes as a file, in batches, with nothing left out, and is an event itself', async () => {
  const app = await startApp();
  const rows = Array.from({ length: 1234 }, (_, index) => ({
    ...{ at: index + 1, action: 'sign_out', result: 'ok', target: `t${index}`, search_text: `t${index}` },
  }));
  const today = new Date(app.services.now()).toISOString().slice(0, 10); // before any of them, in case of midnight
  for (let start = 0; start < rows.length; start += 200)
    await app.services.db
      .insertInto('audit_events')
      .values(rows.slice(start, start + 200))
      .execute();
  const root = await openAsRoot(app);
  const answer = await root.get('/admin/audit_log.jsonl?action=sign_out').buffer().parse(readText).expect(200);
  expect(answer.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
  expect(answer.headers['content-disposition']).toMatch(/^attachment; filename="gatehouse-audit-log-[\d-]+\.jsonl"$/);
  expect(answer.headers['cache-control']).toBe('no-store');
  const targets = (await exported(root, { action: 'sign_out' })).map(({ target }) => target);
  expect(targets).toEqual(rows.map(({ target }) => target).reverse());
  const taken = await exported(root, { action: 'audit_exported' });
  expect(taken).toHaveLength(3); // the one that asks is in it, too
  expect(taken.at(-1)).toMatchObject({ actor_name: 'root', details: { action: 'sign_out' } });
  expect(await exported(root, { action: 'audit_exported', from: today })).toHaveLength(4);
});

test('nothing of the product changes or removes an event, whatever is sent (AD-014)', async () => {
  const app = await startApp();
  const root = await openAsRoot(app);
  const before = await app.services.db.selectFrom('audit_events').selectAll().orderBy('id').execute();
  for (const path of [
    '/admin/audit_log',
    '/admin/audit_log.jsonl',
    '/admin/audit_log/1',
    '/admin/audit_log/1/delete',
  ]) {
    const answer = await send(root, path, { id: '1', result: 'ok' });
    expect([404, 405]).toContain(answer.status);
  }
  expect(await app.services.db.selectFrom('audit_events').selectAll().orderBy('id').execute()).toEqual(before);
  expect((await root.head('/admin/audit_log.jsonl')).status).toBe(405);
});

test('every reason that is an error has words, and an unknown one stays as it is', () => {
  expect(reasonInWords('identity_taken')).toBe('This Bitbucket account is connected elsewhere');
  expect(reasonInWords('waiting')).toBe('has to be approved');
  expect(reasonInWords('toString')).toBe('toString');
  expect(Object.keys(AUDIT_ACTIONS)).toContain('audit_exported');
});
