// The personal access tokens of an account: their list, the form for a new one, and the one page that shows it.
import type { Request, RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import type { AccessToken } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { answerDone, refuseForm, wantsJson, withJson } from '../web/answer.ts';
import { idIn, parseInput, yesOrNo } from '../web/input.ts';
import { methodNotAllowed } from '../web/methods.ts';
import { timeOf } from '../web/time.ts';
import type { Web } from '../web/web.ts';
import type { NewToken, TokenScope } from './access-tokens.ts';
import { mailNotice } from './mail-notices.ts';
import { createAccessToken, isExpired, listAccessTokens, revokeAccessToken, TOKEN_SCOPES } from './access-tokens.ts';
import { requireAccount, requireRecentProof, requireUser } from './presence.ts';

export const ACCESS_TOKENS = '/-/profile/personal_access_tokens';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
const MAX_DAYS = 365;
const MAX_NAME = 100;

export function accessTokenRoutes(router: Router, web: Web): void {
  router.get(withJson(ACCESS_TOKENS), requireUser(web), showTokens(web));
  router.post(withJson(ACCESS_TOKENS), requireUser(web), requireRecentProof(web, filledIn), create(web));
  router.all(withJson(ACCESS_TOKENS), methodNotAllowed('GET, POST'));
  const recent = requireRecentProof(web, ACCESS_TOKENS);
  router.post(`${ACCESS_TOKENS}/:id/revoke`, requireUser(web), recent, revoke(web));
  router.all(`${ACCESS_TOKENS}/:id/revoke`, methodNotAllowed('POST'));
}

const filled = z.object({
  name: z.string().max(MAX_NAME).catch(''),
  scopes: z
    .union([z.string(), z.array(z.string())])
    .transform((scopes) => [scopes].flat().filter((scope) => Object.hasOwn(TOKEN_SCOPES, scope)))
    .catch([]),
});

/** The page with what was typed in its form, for who has to confirm first: `?name=…&scopes=…`. */
function filledIn({ body }: Request): string {
  const { name, scopes } = filled.parse(body ?? {});
  const query = new URLSearchParams({ name });
  for (const scope of scopes) query.append('scopes', scope);
  return `${ACCESS_TOKENS}?${query.toString()}`;
}

/** What the form holds: as it opens, or as it was sent when something in it was not right. */
interface TokenForm {
  name: string;
  scopes: string[];
  /** `2026-12-24`: the last day on which the token works. */
  lastDay: string;
  never: boolean;
  /** What was not right, by field. */
  errors: { name?: string; scopes?: string; lastDay?: string };
}

/** A token that was just made, shown this once. */
interface MadeToken {
  name: string;
  token: string;
}

interface Shown {
  form?: TokenForm;
  made?: MadeToken;
}

/** What views/profile/access-tokens.ejs needs as `accessTokens`. */
export async function accessTokensOf(web: Web, req: Request, { form, made }: Shown = {}) {
  const { db, now } = web.services;
  const tokens = await listAccessTokens(db, requireAccount(req).id);
  return {
    tokens: tokens.map((token) => rowOf(token, now())),
    scopes: Object.entries(TOKEN_SCOPES).map(([name, words]) => ({ name, words })),
    form: form ?? emptyForm(now()),
    firstDay: dayIn(0, now()),
    maxDay: dayIn(MAX_DAYS, now()),
    maxDays: MAX_DAYS,
    maxName: MAX_NAME,
    made: made ?? null,
  };
}

function emptyForm(now: number): TokenForm {
  return { name: '', scopes: [], lastDay: dayIn(DEFAULT_DAYS, now), never: false, errors: {} };
}

function rowOf(token: AccessToken, now: number) {
  return {
    id: token.id,
    name: token.name,
    scopes: token.scopes.split(' '),
    created: timeOf(token.created_at),
    expires: token.expires_at === null ? null : timeOf(token.expires_at),
    expired: isExpired(token, now),
    lastUsed: token.last_used_at === null ? null : timeOf(token.last_used_at),
  };
}

function showTokens(web: Web): RequestHandler {
  return async (req, res) => {
    if (!wantsJson(req, web.site)) {
      const form = { ...emptyForm(web.services.now()), ...filled.parse(req.query) };
      return renderTokens(web, req, res, { form });
    }
    const tokens = await listAccessTokens(web.services.db, requireAccount(req).id);
    res.json({ tokens: tokens.map(asJson) });
  };
}

async function renderTokens(web: Web, req: Request, res: Response, shown: Shown = {}): Promise<void> {
  const accessTokens = await accessTokensOf(web, req, shown);
  web.render(req, res, 'profile/access-tokens-page', { title: 'Access for scripts', accessTokens });
}

function asJson(token: AccessToken) {
  const isoOf = (ms: number | null) => (ms === null ? null : timeOf(ms).iso);
  return {
    id: token.id,
    name: token.name,
    scopes: token.scopes.split(' '),
    created_at: isoOf(token.created_at),
    expires_at: isoOf(token.expires_at),
    last_used_at: isoOf(token.last_used_at),
  };
}

/** JSON sends a list of scopes; a form sends a single one as a text. */
const tokenForm = z.object({
  name: z.string().max(1000).default(''),
  scopes: z
    .union([z.string(), z.array(z.string()).max(20)])
    .default([])
    .transform((scopes) => [scopes].flat()),
  last_day: z.string().max(100).optional(),
  never_expires: yesOrNo('never_expires'),
  expires_at: z.unknown().optional(),
});

/** The token is in the answer itself, not behind a redirect: it would have to be kept somewhere in between. */
function create(web: Web): RequestHandler {
  return async (req, res) => {
    const { services, site } = web;
    const form = readForm(req, services.now());
    const [mistake] = Object.values(form.errors);
    if (mistake !== undefined) {
      const again = () => renderTokens(web, req, res, { form });
      return refuseForm(web, req, res, { sentence: mistake, again });
    }
    const { token, row } = await createAccessToken(services, requireAccount(req), tokenOf(form), req);
    mailNotice(services, { action: 'token_created', target: row.name }, req);
    if (wantsJson(req, site)) return void res.status(201).json({ ...asJson(row), token });
    await renderTokens(web, req, res, { made: { name: row.name, token } });
  };
}

function readForm(req: Request, now: number): TokenForm {
  const input = parseInput(tokenForm, req.body);
  const form = {
    name: input.name.trim(),
    scopes: [...new Set(input.scopes)],
    lastDay: input.last_day ?? lastDayBefore(input.expires_at, now) ?? dayIn(DEFAULT_DAYS, now),
    never: input.never_expires ?? false,
  };
  return { ...form, errors: mistakesIn(form, now) };
}

/**
 * GitLab's field: the day on which a token does not work any more.
 * @returns the day before it, undefined without the field
 * @throws AppError 400 when it is no day of those that a token may end on
 */
function lastDayBefore(expiresAt: unknown, now: number): string | undefined {
  if (expiresAt === undefined) return undefined;
  const day = typeof expiresAt === 'string' && isDay(expiresAt) ? dayOf(Date.parse(expiresAt) - DAY_MS) : '';
  if (isDayOffered(day, now)) return day;
  const [first, last] = [dayIn(1, now), dayIn(MAX_DAYS + 1, now)];
  throw new AppError('bad_request', {
    sentence: `expires_at: expected a day from ${first} to ${last}, as YYYY-MM-DD.`,
  });
}

function mistakesIn({ name, scopes, lastDay, never }: Omit<TokenForm, 'errors'>, now: number): TokenForm['errors'] {
  const errors: TokenForm['errors'] = {};
  if (name === '' || name.length > MAX_NAME || /\p{Cc}/u.test(name))
    errors.name = `Give it a name of 1 to ${MAX_NAME} characters, so that you know it again.`;
  if (scopes.length === 0) errors.scopes = 'Tick at least one thing that the token may do.';
  else if (scopes.some((scope) => !Object.hasOwn(TOKEN_SCOPES, scope)))
    errors.scopes = `A token may have: ${Object.keys(TOKEN_SCOPES).join(', ')}.`;
  if (!never && !isDayOffered(lastDay, now)) errors.lastDay = `Choose a day from today to ${MAX_DAYS} days ahead.`;
  return errors;
}

function isDay(text: string): boolean {
  return /^\d{4}-\d\d-\d\d$/.test(text) && dayOf(Date.parse(text)) === text;
}

function isDayOffered(day: string, now: number): boolean {
  return isDay(day) && day >= dayIn(0, now) && day <= dayIn(MAX_DAYS, now); // written like this, days compare as texts
}

function tokenOf({ name, scopes, lastDay, never }: TokenForm): NewToken {
  return { name, scopes: scopes as TokenScope[], expiresAt: never ? null : Date.parse(lastDay) + DAY_MS };
}

function dayIn(days: number, now: number): string {
  return dayOf(now + days * DAY_MS);
}

/** In UTC, as everything here. */
function dayOf(ms: number): string {
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString().slice(0, 10);
}

function revoke(web: Web): RequestHandler<{ id: string }> {
  return async (req, res) => {
    await revokeAccessToken(web.services, requireAccount(req), idIn(req.params.id), req);
    const say = { title: 'Access token revoked', text: 'Whatever used it is shut out from now on.' };
    await answerDone(web, req, res, { to: web.site.base + ACCESS_TOKENS, say });
  };
}
