// What the pages of the administration cost with 10,000 people and 100,000 events: each asked for 50 times, one at a time.
// The time is that of the answer on loopback, server on one core: what a person waits for without the network.
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { join } from 'node:path';
import pg from 'pg';
import { Connection, headerOf, withCookies } from './connection.js';
import { makeSchema } from './databases.js';
import { makeFolder, migrate, prepareGatehouse, ROOT_PASSWORD, startGatehouse } from './gatehouse.js';
import { csrfOf } from './journeys.js';
import { cpuSeconds, stop } from './process.js';
import { table } from './report.js';

const TIMES = 50;
const WARM_UP = 5;
/** No page may take longer, by the 95th percentile. */
export const LIMIT_MS = 100;

const dayLongAgo = new Date(Date.now() - 300 * 86_400_000).toISOString().slice(0, 10);

/** What is asked for. In brackets, what makes it the hardest of its kind. */
const PAGES = {
  'users, first page': '/admin',
  'users, last page': '/admin?page=1000000',
  'users, by last sign-in': '/admin?sort=last_sign_in',
  'users, waiting': '/admin?filter=waiting',
  'users, a search with one hit': '/admin?q=person-9876',
  'users, a search by uuid': '/admin?q=%7B00000000-0000-4000-8000-000000000abc%7D',
  'users, a search without a hit': '/admin?q=nobody-at-all',
  'users as JSON': '/admin/users.json',
  'one person': '/admin/users/5000',
  'audit log, newest': '/admin/audit_log',
  'audit log, an old page': '/admin/audit_log?before=500',
  'audit log, one action (a rare one)': '/admin/audit_log?action=account_deleted',
  'audit log, failed (there are none)': '/admin/audit_log?result=failed',
  'audit log, one person': '/admin/audit_log?account=person-1',
  'audit log, who did most': '/admin/audit_log?account=root',
  'audit log, who did most, a search without a hit': '/admin/audit_log?account=root&q=nothing-that-ever-happened',
  'audit log, one action and another result': '/admin/audit_log?action=sign_in&result=failed',
  'audit log, a day long ago': `/admin/audit_log?from=${dayLongAgo}&to=${dayLongAgo}`,
  'audit log, before there was any': '/admin/audit_log?from=2025-01-01&to=2025-01-02',
  'audit log, all days': '/admin/audit_log?from=2020-01-01',
  'audit log, an account that is none': '/admin/audit_log?account=nobody-at-all',
  'audit log, a search without a hit': '/admin/audit_log?q=nothing-that-ever-happened',
  'set-up (checks are shared for some seconds)': '/admin/set_up',
  settings: '/admin/application_settings/general',
  configuration: '/admin/configuration',
  'home, of who did most': '/',
  'events, of who did most': '/-/user_settings/authentication_log',
};

/** @param tools `{ bitbucketUrl }` @returns {Promise<string>} a table of Markdown */
export async function measureAdmin(tools, { people, events, say }) {
  const results = { SQLite: await measureOn(tools, { people, events, say }) };
  const { TEST_POSTGRES_URL: url } = process.env;
  if (url) results.PostgreSQL = await measureOn(tools, { people, events, say, postgresUrl: url });
  const names = Object.keys(results);
  const rows = Object.keys(PAGES).map((page) => [
    page,
    ...names.map((name) => cell(results[name][page])),
    names.every((name) => results[name][page].p95 < LIMIT_MS) ? '✓' : '✗',
  ]);
  return table(['ms: half / 95 % below (CPU of the server)', ...names, `< ${LIMIT_MS}`], rows);
}

function cell({ p50, p95, cpuMs }) {
  return `${p50.toFixed(1)} / ${p95.toFixed(1)} (${Number.isNaN(cpuMs) ? '–' : cpuMs.toFixed(1)})`;
}

async function measureOn({ bitbucketUrl }, { people, events, say, postgresUrl }) {
  const { folder, remove } = makeFolder();
  const schema = postgresUrl ? await makeSchema(postgresUrl) : undefined;
  let child;
  try {
    const gatehouse = await prepareGatehouse({ folder, bitbucketUrl, ...(schema ? { databaseUrl: schema.url } : {}) });
    await migrate(gatehouse);
    await stop((await startGatehouse(gatehouse)).child); // the first start makes root, when nobody is there yet
    const began = performance.now();
    await fillDatabase(folder, schema?.url, { people, events });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(`  ${schema ? 'PostgreSQL' : 'SQLite'}: ${people} people and ${events} events, made in ${seconds} s`);
    const started = await startGatehouse(gatehouse);
    child = started.child;
    return await askAll(started);
  } finally {
    if (child) await stop(child);
    await schema?.drop();
    remove();
  }
}

async function askAll({ url, child }) {
  const site = new Connection(url);
  const cookie = await signInAsRoot(site);
  const results = {};
  for (const [name, path] of Object.entries(PAGES)) {
    const times = [];
    const cpuBefore = cpuSeconds(child);
    for (let time = 0; time < WARM_UP + TIMES; time += 1) {
      const start = performance.now();
      const { status, head } = await site.get(path, cookie);
      if (time >= WARM_UP) times.push(performance.now() - start);
      if (status !== 200) throw new Error(`${path} answered ${status}: ${head}`);
    }
    const cpuMs = ((cpuSeconds(child) - cpuBefore) * 1000) / (WARM_UP + TIMES);
    times.sort((a, b) => a - b);
    results[name] = { cpuMs, p50: times[Math.floor(TIMES * 0.5)], p95: times[Math.floor(TIMES * 0.95)] };
  }
  site.close();
  return results;
}

async function signInAsRoot(site) {
  const page = await site.get('/users/sign_in');
  const form = `_csrf=${csrfOf(page.body)}&login=root&password=${encodeURIComponent(ROOT_PASSWORD)}`;
  const answer = await site.post('/users/sign_in', withCookies('', page.head), form);
  if (answer.status !== 303)
    throw new Error(`signing in answered ${answer.status} ${headerOf(answer.head, 'location')}`);
  return withCookies(withCookies('', page.head), answer.head);
}

/** The same statements for both databases, but for what makes numbers. Root is there already, with the first id. */
async function fillDatabase(folder, postgresUrl, { people, events }) {
  const now = Date.now();
  const year = 365 * 86_400_000;
  const uuid = (n) =>
    postgresUrl
      ? `'{00000000-0000-4000-8000-' || lpad(to_hex(${n}), 12, '0') || '}'`
      : `printf('{00000000-0000-4000-8000-%012x}', ${n})`;
  const numbers = (count) =>
    postgresUrl
      ? `(select generate_series(1, ${count})::int as n) as numbers`
      : `(with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < ${count}) select n from numbers)`;
  const who = (root, others) => `case when n % 2 = 0 then ${root} else ${others} end`;
  const ids = postgresUrl ? 'overriding system value' : '';
  const statements = [
    `insert into accounts (id, username, name, email, email_key, state, admin, password_hash, created_at) ${ids}
      select n + 1000, 'person-' || n, 'Person ' || n, 'person-' || n || '@example.com', 'person-' || n || '@example.com',
        case when n % 50 = 0 then 'waiting' when n % 70 = 0 then 'blocked' else 'active' end, 0, null, ${now}
      from ${numbers(people)}`,
    `insert into identities (account_id, provider, extern_uid, display_name, groups, created_at, last_used_at)
      select n + 1000, 'bitbucket', ${uuid('n')}, 'Person ' || n, '["team","team:owner"]', ${now}, ${now} - n * 1000
      from ${numbers(people)}`,
    // Half of them by root and about root, the others by one of all people each; times spread over a year.
    `insert into audit_events (at, action, result, reason, actor_id, actor_name, account_id, account_name, target, details,
        address, agent, request_id, search_text)
      select ${now} - cast(${year} as bigint) / ${events} * (${events} - n),
        case when n % 5 = 0 then 'sign_out' when n % 10007 = 0 then 'account_deleted' else 'sign_in' end,
        case when n % 20 = 0 then 'refused' else 'ok' end,
        case when n % 20 = 0 then 'blocked' end,
        ${who('1', `n % ${people} + 1000`)}, ${who("'root'", `'person-' || (n % ${people})`)},
        ${who('1', `n % ${people} + 1000`)}, ${who("'root'", `'person-' || (n % ${people})`)}, 'bitbucket', '{"extern_uid":"{00000000-0000-4000-8000-000000000000}"}',
        '192.0.2.' || (n % 256), 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', ${uuid('n')},
        'sign_in' || chr10 || 'person-' || (n % ${people}) || chr10 || 'bitbucket' || chr10 || '192.0.2.' || (n % 256)
          || chr10 || ${uuid('n')}
      from ${numbers(events)}`.replaceAll('chr10', postgresUrl ? 'chr(10)' : 'char(10)'),
  ];
  if (postgresUrl) return fillPostgres(postgresUrl, statements);
  const db = new BetterSqlite3(join(folder, 'gatehouse.db'));
  db.pragma('synchronous = OFF');
  db.exec(`begin; ${statements.join(';\n')}; commit;`);
  db.pragma('wal_checkpoint(TRUNCATE)');
  db.close();
}

async function fillPostgres(connectionString, statements) {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
    await client.query('analyze');
  } finally {
    await client.end();
  }
}

/** `node bench/admin.js [people events]`, after `npm run build`: this part alone. */
if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [people = 10_000, events = 100_000] = process.argv.slice(2).map(Number);
  const say = (line) => console.log(line);
  say(await measureAdmin({ bitbucketUrl: 'http://127.0.0.1:9/' }, { people, events, say }));
}
