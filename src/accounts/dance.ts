// The OAuth dance as the browser sees it: a click leads to Bitbucket, Bitbucket's answer comes to the callback.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Account, Flow, FlowPurpose } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import { isTicked, parseInput } from '../web/input.ts';
import type { Limit } from '../web/limits.ts';
import { addressKey } from '../web/limits.ts';
import { checkReturnTo } from '../web/return-to.ts';
import type { Web } from '../web/web.ts';
import { noteRefused, notingRefusal } from './events.ts';
import { toAppError } from './failures.ts';
import type { Flows } from './flows.ts';
import { isRecent, requireAccount } from './presence.ts';
import type { Arrival, FlowState, Providers } from './providers.ts';
import { ownTest, refuseTest } from './test-sign-in.ts';

/** For all that one callback asks of Bitbucket. The strategy has a shorter one; this covers the workspaces, too. */
const CALLBACK_MS = 15_000;

declare module 'express-serve-static-core' {
  interface Request {
    /** By when all that is asked of Bitbucket for this request has to be answered; by `performance.now()`. */
    deadline?: number;
  }
}

const startForm = z.object({
  return_to: z.string().optional(),
  remember_me: z.string().optional(),
  purpose: z.enum(['sign_in', 'link', 'confirm', 'test', 'import']).optional(),
});

/**
 * What comes of an answer, by the purpose of the flow. Each ends the flow (Flows.finish) before it changes a session.
 * Refusals of signing in are told by `finishDance`; the others tell their own.
 */
export type Arrive = (req: Request, res: Response, came: Came) => Promise<void>;

export interface Came extends Arrival {
  provider: string;
  flow: Flow;
  /** From `performance.now()`: when the callback came. */
  startedAt: number;
  /** A checked path, or undefined. */
  returnTo: string | undefined;
}

/** POST /users/auth/:provider. Nothing of the request reaches the authorize URL but the choice of the provider. */
export function startDance(web: Web, providers: Providers): RequestHandler {
  return async (req, res, next) => {
    const form = parseInput(startForm, req.body);
    const purpose = form.purpose ?? 'sign_in';
    const { provider, strategy } = await providers.open(String(req.params['provider']), purpose);
    const event = { provider: provider.name, startedAt: performance.now() };
    await notingRefusal(web, req, event, web.limits.take(oauthLimit(web, req, 'start')));
    const state: FlowState = {
      purpose,
      accountId: purpose === 'sign_in' ? undefined : mayStart(web, req, purpose).id,
      returnTo: checkReturnTo(form.return_to, web.site.base),
      rememberMe: isTicked(form.remember_me),
    };
    res.set('Cache-Control', 'no-store');
    // Passport's types know a text only; an object is what its OAuth 2.0 strategies keep with the flow.
    const options = { session: false, state } as object;
    const refused = (error: unknown, _user?: unknown, info?: unknown) =>
      next(toAppError(error ?? info, state.returnTo));
    const authenticate = web.passport.authenticate(strategy, options, refused) as RequestHandler;
    await authenticate(req, res, next);
  };
}

/** Connecting needs a fresh proof of presence: an open browser is not yet its owner. A try is for administrators. */
function mayStart(web: Web, req: Request, purpose: Exclude<FlowPurpose, 'sign_in'>): Account {
  const account = requireAccount(req);
  if (purpose === 'link' && !isRecent(req, web)) throw new AppError('not_recent');
  if (purpose === 'test' && account.admin !== 1) throw new AppError('not_found');
  return account;
}

/** GET /users/auth: Bitbucket's answer. Which provider it is from, and what it is for, is told by the stored flow alone. */
export function finishDance(
  web: Web,
  { providers, flows, arrive }: { providers: Providers; flows: Flows; arrive: Record<FlowPurpose, Arrive> },
): RequestHandler {
  return async (req, res) => {
    const limit = oauthLimit(web, req, 'callback');
    const startedAt = performance.now();
    await notingRefusal(web, req, { provider: undefined, startedAt }, web.limits.check(limit));
    const flow = await findFlow(web, flows, req);
    const returnTo = checkReturnTo(flow?.return_to, web.site.base); // external_url may have changed since
    req.deadline = startedAt + CALLBACK_MS;
    try {
      requireOwnFlow(flow, req);
      const { provider, strategy } = await providers.open(flow.provider, flow.purpose);
      const arrival = await askBitbucket(web, strategy, req, res);
      await arrive[flow.purpose](req, res, { ...arrival, provider: provider.name, flow, startedAt, returnTo });
    } catch (thrown) {
      const test = ownTest(flow, req, thrown);
      if (test) return refuseTest(web, req, res, { flow: test, error: thrown });
      const error = toAppError(thrown, returnTo, flow?.purpose);
      await web.limits.take(limit);
      if (flow === undefined || flow.purpose === 'sign_in') {
        await noteRefused(web, req, { provider: flow?.provider, startedAt }, error);
      }
      throw error;
    }
  };
}

/** Started by one person and ended by another: the identity of the one would open the account of the other. */
function requireOwnFlow(flow: Flow | undefined, { user }: Request): asserts flow is Flow {
  if (!flow) throw new AppError('invalid_state');
  if (flow.purpose !== 'sign_in' && flow.account_id !== user?.id) throw new AppError('invalid_state');
}

/** Passport's strategy checks the answer, fetches the token and the profile; see src/bitbucket. */
function askBitbucket({ passport }: Web, strategy: string, req: Request, res: Response): Promise<Arrival> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, arrival?: unknown, info?: unknown) => {
      if (error) return reject(error);
      if (!arrival) return reject(info); // a BitbucketFailure: what the visitor can mend is no `error` to Passport
      resolve(arrival as Arrival);
    };
    const authenticate = passport.authenticate(strategy, { session: false }, done) as RequestHandler;
    void authenticate(req, res, reject);
  });
}

async function findFlow(web: Web, flows: Flows, req: Request): Promise<Flow | undefined> {
  const { state } = req.query;
  const browser = findBrowserId(req, web.site);
  if (typeof state !== 'string' || browser === undefined) return undefined;
  return flows.find(state, browserHash(browser));
}

function oauthLimit({ services }: Web, req: Request, what: 'start' | 'callback'): Limit {
  const max = services.config().rate_limits.oauth_per_minute;
  return { key: `oauth-${what}:${addressKey(req.ip)}`, max, windowSeconds: 60 };
}
