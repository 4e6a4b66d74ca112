// Tables for the terminal, and for docs/performance.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { format, resolveConfig } from 'prettier';
import { medianOf, ratio } from './measure.js';
import { cores } from './process.js';

const DOCUMENT = join(import.meta.dirname, '../docs/performance.md');

export const names = { bare: 'bare', plain: 'plain', sqlite: 'Gatehouse, SQLite', postgres: 'Gatehouse, PostgreSQL' };
const ACTIONS = { 'sign-in': 'whole sign-ins', user: '`GET /api/v4/user`', page: 'sign-in page' };
/** Least share of the plain application's throughput. */
const SHARES = { 'sign-in': 0.5, user: 0.7, page: 0.6 };
const EXTRA_MEMORY_MB = 60;
const READY_MS = 1000;

/** A table of Markdown, its columns aligned. */
export function table(head, rows) {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(3, ...all.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [first, ...others] = all.map(line);
  return [first, line(widths.map((width) => '-'.repeat(width))), ...others].join('\n');
}

/** Where and when. A load average much above 1 beforehand: others were at work, and only the ratios mean something. */
export function machine(loadBefore, postgresVersion) {
  const pinned = cores ? 'server on one core, load and stand-in on another' : 'not pinned to cores';
  const sqlite = new BetterSqlite3(':memory:').prepare('select sqlite_version()').pluck().get();
  return [
    new Date().toISOString().slice(0, 10),
    `${cpus().length} cores (${cpus()[0].model.trim()})`,
    `Node ${process.versions.node}`,
    `SQLite ${sqlite}`,
    ...(postgresVersion ? [`PostgreSQL ${postgresVersion}`] : []),
    pinned,
    `load average ${loadBefore.toFixed(1)} before, ${loadavg()[0].toFixed(1)} after`,
  ].join(' · ');
}

/** @param {Record<string, Record<string, object[]>>} speed by action, by server */
export function speedTable(speed) {
  const servers = Object.keys(names).filter((name) => speed.user[name]);
  const rows = Object.entries(ACTIONS).map(([action, label]) => [
    `${label} per second`,
    ...servers.map((name) => speedCell(speed[action][name])),
  ]);
  return table(['', ...servers.map((name) => names[name])], rows);
}

function speedCell(results) {
  // Then the load generator was the limit, and the server could do more.
  const least = medianOf(results, 'busy') > 0.95 ? '≥ ' : '';
  const cpu = medianOf(results, 'cpuMs');
  return `${least}${number(medianOf(results, 'perSecond'))} (${Number.isNaN(cpu) ? '–' : cpu.toFixed(2)} ms)`;
}

export function targetTable({ speed, memory, ready }) {
  const shares = Object.entries(ACTIONS).flatMap(([action, label]) =>
    ['sqlite', 'postgres']
      .filter((name) => speed[action][name])
      .map((name) => {
        const share = ratio(speed[action][name], speed[action].plain);
        const cpu = 1 / ratio(speed[action][name], speed[action].plain, 'cpuMs');
        const least = SHARES[action];
        const figure = `${share.toFixed(2)} (by CPU time ${Number.isNaN(cpu) ? '–' : cpu.toFixed(2)})`;
        return [`${label}, ${names[name]} ÷ plain`, figure, `≥ ${least}`, mark(share >= least)];
      }),
  );
  const extra = memory.sqlite - memory.plain;
  const both = `${number(memory.sqlite)} MB, plain ${number(memory.plain)} MB`;
  return table(
    ['', 'figure', 'target', ''],
    [
      ...shares,
      [
        `memory after ${number(memory.signIns)} sign-ins`,
        both,
        `≤ plain + ${EXTRA_MEMORY_MB} MB`,
        mark(extra <= EXTRA_MEMORY_MB),
      ],
      ['from spawn to ready', `${number(ready)} ms`, `< ${number(READY_MS)} ms`, mark(ready < READY_MS)],
    ],
  );
}

/** @param {{ size: number, user: object[], signIn: object[] }[]} growth */
export function growthTable(growth) {
  const rows = growth.map(({ size, user, signIn }) => [number(size), speedCell(user), speedCell(signIn)]);
  return table(['accounts and sessions', `${ACTIONS.user} per second`, `${ACTIONS['sign-in']} per second`], rows);
}

/** Replaces what stands between the two marks in docs/performance.md. */
export async function writeDocument(text) {
  if (!existsSync(DOCUMENT)) throw new Error('docs/performance.md is missing');
  const [begin, end] = ['<!-- figures: npm run bench -- --write -->', '<!-- end of figures -->'];
  const [before, rest] = readFileSync(DOCUMENT, 'utf8').split(begin);
  const after = rest.split(end)[1];
  const whole = `${before}${begin}\n\n${text}\n\n${end}${after}`;
  writeFileSync(DOCUMENT, await format(whole, { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT }));
}

function mark(good) {
  return good ? '✓' : '✗';
}

function number(value) {
  return Math.round(value).toLocaleString('en-GB');
}
