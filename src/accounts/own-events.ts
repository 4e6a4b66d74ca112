// What has happened to an account, for its owner: their part of the audit log, without what is other people's in it.
import type { RequestHandler, Router } from 'express';
import { z } from 'zod';
import { AUDIT_ACTIONS } from '../audit/record.ts';
import { listEvents } from '../audit/store.ts';
import { reasonInWords } from '../audit/words.ts';
import type { Account, AuditRow } from '../db/tables.ts';
import { wantsJson, withJson } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import { methodNotAllowed } from '../web/methods.ts';
import { timeOf } from '../web/time.ts';
import { describeAgent } from '../web/user-agent.ts';
import type { Web } from '../web/web.ts';
import { requireAccount, requireUser } from './presence.ts';
import type { Providers } from './providers.ts';

export const OWN_EVENTS = '/-/user_settings/authentication_log';

const PER_PAGE = 50;

export function ownEventRoutes(router: Router, web: Web, providers: Providers): void {
  router.get(withJson(OWN_EVENTS), requireUser(web), showOwnEvents(web, providers));
  router.all(withJson(OWN_EVENTS), methodNotAllowed('GET'));
}

const query = z.object({
  /** The last id of the page before. */
  before: z
    .string()
    .regex(/^[1-9]\d{0,14}$/)
    .transform(Number)
    .optional(),
});

function showOwnEvents(web: Web, providers: Providers): RequestHandler {
  return async (req, res) => {
    const account = requireAccount(req);
    const { before } = parseInput(query, req.query);
    const found = await listEvents(web.services.db, { accountId: account.id }, { before, limit: PER_PAGE });
    const events = found.events.map((row) => ownEventOf(row, account, providers));
    const next = found.next ?? null;
    if (wantsJson(req, web.site)) return void res.json({ events: events.map(asJson), next_before: next });
    web.render(req, res, 'profile/events', { title: 'Events', events, next, first: before === undefined });
  };
}

type OwnEvent = ReturnType<typeof ownEventOf>;

/** Somebody else who acted on this account is named; where they sat and what they used is theirs. */
function ownEventOf(row: AuditRow, account: Account, providers: Providers) {
  const byOther = row.actor_id !== null && row.actor_id !== account.id;
  return {
    id: row.id,
    at: timeOf(row.at),
    action: row.action,
    what: wordsOf(row.action),
    target: targetOf(row, providers),
    result: row.result,
    reason: row.reason,
    reasonWords: row.reason === null ? null : reasonInWords(row.reason),
    by: byOther ? row.actor_name : null,
    account: row.account_id !== null && row.account_id !== account.id ? row.account_name : null,
    address: byOther ? null : row.address,
    agent: byOther ? null : row.agent,
    device: byOther || row.agent === null ? null : describeAgent(row.agent),
  };
}

function wordsOf(action: string): string {
  return Object.hasOwn(AUDIT_ACTIONS, action) ? AUDIT_ACTIONS[action as keyof typeof AUDIT_ACTIONS] : action;
}

/** What people sign in with has a name that they know. */
function targetOf({ target }: AuditRow, providers: Providers): string | null {
  return target === null ? null : providers.wayInWords(target);
}

function asJson({ at, what, reasonWords, ...event }: OwnEvent) {
  return { ...event, at: at.iso, what, reason_words: reasonWords };
}
