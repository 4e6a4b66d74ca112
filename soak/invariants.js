// What must be true whatever has been done to a server: looked up in its database, its log and its folder once it is gone.
import { createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import BetterSqlite3 from 'better-sqlite3';
import { add, tally } from './report.js';

/** Each gives the number of rows that should not be there. */
const QUERIES = {
  'identity with two accounts':
    'select count(*) from (select 1 from identities group by provider, extern_uid having count(distinct account_id) > 1) as several',
  'account without a way in': `select count(*) from accounts where state = 'active' and password_hash is null
     and id not in (select account_id from identities)`,
  'no administrator': `select case when exists (select 1 from accounts where admin = 1 and state = 'active') then 0 else 1 end`,
  'session of nobody': 'select count(*) from sessions where account_id is null',
};
/** What may lie in the folder of a server that has stopped. */
const FILES = new Set(['gatehouse.yml', 'gatehouse.log', 'gatehouse.db', 'gatehouse.db-shm', 'gatehouse.db-wal']);
const BUG = /unhandled|uncaught|"level":"fatal"|TypeError|RangeError|ReferenceError|heap out of memory/;

/**
 * @param {import('./report.js').Report} report
 * @param {{ folder: string, title: string, secrets: string[], count?: (query: string) => Promise<number> }} stopped a server that
 *   has stopped, what must be found nowhere, and how to count in a database that is no SQLite file
 */
export async function checkInvariants(report, { folder, title, secrets, count }) {
  const wrong = count ? await rowFaults(count) : await sqliteFaults(join(folder, 'gatehouse.db'));
  for (const name of readdirSync(folder)) if (!FILES.has(name)) add(wrong, `left over: ${name}`);
  for (const name of readdirSync(folder)) {
    if (name === 'gatehouse.yml' || name === 'gatehouse.log') continue;
    const bytes = statSync(join(folder, name)).size < 300e6 ? readFileSync(join(folder, name)) : '';
    for (const secret of secrets) if (bytes.includes(secret)) add(wrong, `secret in ${name}`);
  }
  const log = await readLog(join(folder, 'gatehouse.log'), secrets);
  const faults = { ...wrong, ...log.faults };
  const measured = `${tally(faults, 'all true')}; ${log.lines} log lines`;
  report.row({
    id: 'invariants',
    what: `invariants after ${title}`,
    hold: 'all true',
    measured,
    good: Object.keys(faults).length === 0,
  });
  for (const example of log.examples) console.log(`    ${example}`);
}

async function rowFaults(count) {
  const faults = {};
  for (const [name, query] of Object.entries(QUERIES)) {
    const found = await count(query);
    if (found > 0) add(faults, name, found);
  }
  return faults;
}

async function sqliteFaults(file) {
  const db = new BetterSqlite3(file);
  const faults = await rowFaults((query) => db.prepare(query).pluck().get());
  if (db.pragma('integrity_check', { simple: true }) !== 'ok') add(faults, 'integrity check');
  if (db.pragma('foreign_key_check').length > 0) add(faults, 'foreign keys');
  db.close();
  return faults;
}

/** One event = one line of JSON, no bug, no secret. */
async function readLog(file, secrets) {
  const [faults, examples] = [{}, []];
  let lines = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    lines += 1;
    const kind = faultOf(line, secrets);
    if (kind === undefined) continue;
    add(faults, kind);
    if (examples.length < 3) examples.push(line.slice(0, 600));
  }
  return { faults, examples, lines };
}

function faultOf(line, secrets) {
  if (!line.startsWith('{') || !line.endsWith('}')) return 'log line that is no JSON';
  if (BUG.test(line)) return 'bug in the log';
  return secrets.some((secret) => line.includes(secret)) ? 'secret in the log' : undefined;
}
