// Admin → Audit log: what happened, narrowed down, newest first, and the same as a file.
import { setImmediate } from 'node:timers/promises';
import { once } from 'node:events';
import type { RequestHandler, Response } from 'express';
import { z } from 'zod';
import { findAccountByUsername } from '../accounts/store.ts';
import { AUDIT_ACTIONS, recordEvent } from '../audit/record.ts';
import type { AuditFilter, Events } from '../audit/store.ts';
import { findAccountInEvents, findTime, listEvents } from '../audit/store.ts';
import { AUDIT_RESULTS } from '../audit/words.ts';
import type { Database } from '../db/tables.ts';
import { wantsJson } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import { describeEvent, eventAsJson, lineOf } from './describe-event.ts';
import { listAddress, searchText } from '../web/list-query.ts';

const PER_PAGE = 50;
/** How often `listEvents` looks on for one page; what is not found in that is looked for on the next page. */
const MAX_LOOKS = 5;
/** Events of an export that are in memory at a time. */
const BATCH = 500;
const DAY_MS = 86_400_000;

const day = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d$/)
  .refine((text) => !Number.isNaN(Date.parse(text)))
  .catch('');

/** What makes no sense is taken for nothing; the form then shows that it is not asked for. */
const query = z.object({
  q: searchText,
  action: z
    .string()
    .refine((action) => Object.hasOwn(AUDIT_ACTIONS, action))
    .catch(''),
  result: z
    .string()
    .refine((result) => Object.hasOwn(AUDIT_RESULTS, result))
    .catch(''),
  account: searchText,
  from: day,
  to: day,
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional().catch(undefined),
});

type Asked = z.infer<typeof query>;

export function showAuditLog(web: Web): RequestHandler {
  const { services, site } = web;
  const { db, config } = services;
  return async (req, res) => {
    const { before, ...asked } = parseInput(query, req.query);
    const filter = await filterOf(db, asked);
    const { events, next } = await readPage(db, filter, before);
    if (wantsJson(req, site)) {
      return void res.json({ events: events.map(eventAsJson), next_before: next ?? null });
    }
    web.render(req, res, 'admin/audit-log', {
      title: 'Audit log',
      events: events.map(describeEvent),
      asked,
      narrowed: Object.values(asked).some((value) => value !== ''),
      actions: Object.entries(AUDIT_ACTIONS).map(([value, words]) => ({ value, words })),
      results: Object.entries(AUDIT_RESULTS).map(([value, words]) => ({ value, words })),
      newest: before === undefined ? null : listAddress('/admin/audit_log', asked),
      older: next === undefined ? null : listAddress('/admin/audit_log', { ...asked, before: next }),
      goesOn: next !== undefined && events.length < PER_PAGE,
      exportAddress: listAddress('/admin/audit_log.jsonl', asked),
      keepDays: config().audit.keep_days,
    });
  };
}

/** Looks on until the page is full; between two looks others get their turn. */
async function readPage(db: Database, filter: AuditFilter, before: number | undefined): Promise<Events> {
  const page: Events = { events: [], next: before };
  for (let looks = 0; looks < MAX_LOOKS && page.events.length < PER_PAGE; looks += 1) {
    const { events, next } = await listEvents(db, filter, {
      before: page.next,
      limit: PER_PAGE - page.events.length,
    });
    page.events.push(...events);
    page.next = next;
    if (next === undefined) break;
    await setImmediate();
  }
  return page;
}

async function filterOf(db: Database, asked: Omit<Asked, 'before'>): Promise<AuditFilter> {
  const from = asked.from === '' ? undefined : Date.parse(asked.from);
  const to = asked.to === '' ? undefined : Date.parse(asked.to) + DAY_MS; // that day is in it
  return {
    search: asked.q || undefined,
    action: asked.action || undefined,
    result: asked.result || undefined,
    accountId: asked.account === '' ? undefined : await accountIdOf(db, asked.account),
    time: from === undefined && to === undefined ? undefined : await findTime(db, from, to),
  };
}

/** No account has it. */
const NOBODY = 0;

/** `#17` is an id, as the links of this page write it; everything else a user name, also one that is gone. */
async function accountIdOf(db: Database, text: string): Promise<number> {
  if (/^#\d{1,15}$/.test(text)) return Number(text.slice(1));
  const username = text.replace(/^@/, '').toLowerCase();
  const account = await findAccountByUsername(db, username);
  return account?.id ?? (await findAccountInEvents(db, username)) ?? NOBODY;
}

/** All events that the page would show, as JSON Lines. That somebody took them is an event itself, the first of them. */
export function exportAuditLog({ services }: Web): RequestHandler {
  const { db, now } = services;
  return async (req, res) => {
    const asked = { ...parseInput(query, req.query), before: undefined };
    const details = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== ''));
    await recordEvent(services, db, { action: 'audit_exported', details }, req);
    const filter = await filterOf(db, asked); // now, so that this event is found by its day, too
    const name = `gatehouse-audit-log-${new Date(now()).toISOString().slice(0, 10)}.jsonl`;
    res.set({
      'Content-Type': 'application/x-ndjson; charset=utf-8',
      'Content-Disposition': `attachment; filename="${name}"`,
    });
    await sendAll(res, (before) => listEvents(db, filter, { before, limit: BATCH }));
  };
}

/** A batch at a time, no faster than it is taken; between two batches others get their turn. */
async function sendAll(res: Response, read: (before: number | undefined) => Promise<Events>): Promise<void> {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  let before: number | undefined;
  do {
    const { events, next } = await read(before);
    before = next;
    const more = res.write(events.map(lineOf).join(''));
    if (!more) await once(res, 'drain', { signal: gone.signal }).catch(() => undefined);
    await setImmediate();
  } while (before !== undefined && !gone.signal.aborted);
  res.end();
}
