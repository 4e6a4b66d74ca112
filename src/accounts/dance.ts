// The OAuth dance as the browser sees it: a click leads to Bitbucket, Bitbucket's answer comes to the callback.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { BitbucketProfile } from '../bitbucket/profile.ts';
import type { Flow } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import { parseInput } from '../web/input.ts';
import type { Limit } from '../web/limits.ts';
import { addressKey } from '../web/limits.ts';
import { checkReturnTo } from '../web/return-to.ts';
import type { Web } from '../web/web.ts';
import { startSession } from '../web/web.ts';
import { noteRefused, noteSignedIn, notingRefusal } from './events.ts';
import { toAppError } from './failures.ts';
import type { Flows } from './flows.ts';
import type { FlowState, Providers } from './providers.ts';
import { forgetSignedOut } from './sign-in-page.ts';
import { signIn } from './sign-in.ts';

/** For all that one callback asks of Bitbucket. The strategy has a shorter one; this covers the workspaces, too. */
const CALLBACK_MS = 15_000;

declare module 'express-serve-static-core' {
  interface Request {
    /** By when all that is asked of Bitbucket for this request has to be answered; by `performance.now()`. */
    deadline?: number;
  }
}

const startForm = z.object({ return_to: z.string().optional(), remember_me: z.string().optional() });

/** POST /users/auth/:provider. Nothing of the request reaches the authorize URL but the choice of the provider. */
export function startDance(web: Web, providers: Providers): RequestHandler {
  return async (req, res, next) => {
    const provider = providers.get(String(req.params['provider']));
    const form = parseInput(startForm, req.body);
    const event = { provider: provider.name, startedAt: performance.now() };
    await notingRefusal(web, req, event, web.limits.take(oauthLimit(web, req, 'start')));
    const state: FlowState = {
      returnTo: checkReturnTo(form.return_to, web.site.base),
      rememberMe: isTicked(form.remember_me),
    };
    res.set('Cache-Control', 'no-store');
    // Passport's types know a text only; an object is what its OAuth 2.0 strategies keep with the flow.
    const options = { session: false, state } as object;
    const refused = (error: unknown, _user?: unknown, info?: unknown) =>
      next(toAppError(error ?? info, state.returnTo));
    const authenticate = web.passport.authenticate(provider.name, options, refused) as RequestHandler;
    await authenticate(req, res, next);
  };
}

/** GET /users/auth: Bitbucket's answer. Which provider it is from is told by the stored flow, never by the request. */
export function finishDance(web: Web, providers: Providers, flows: Flows): RequestHandler {
  return async (req, res) => {
    const limit = oauthLimit(web, req, 'callback');
    const startedAt = performance.now();
    await notingRefusal(web, req, { provider: undefined, startedAt }, web.limits.check(limit));
    const flow = await findFlow(web, flows, req);
    const returnTo = checkReturnTo(flow?.return_to, web.site.base); // external_url may have changed since
    req.deadline = startedAt + CALLBACK_MS;
    const event = { provider: flow?.provider, startedAt };
    try {
      if (!flow) throw new AppError('invalid_state');
      const provider = providers.get(flow.provider).name;
      const { profile, state } = await askBitbucket(web, provider, req, res);
      const account = await signIn(web.services, provider, profile);
      await flows.finish(flow.state_hash);
      await startSession(req, account, state.rememberMe);
      noteSignedIn(web, req, event, account);
      forgetSignedOut(req, res, web.site);
      res.redirect(303, checkReturnTo(state.returnTo, web.site.base) ?? `${web.site.base}/`);
    } catch (thrown) {
      const error = toAppError(thrown, returnTo);
      await web.limits.take(limit);
      noteRefused(web, req, event, error);
      throw error;
    }
  };
}

interface Answer {
  profile: BitbucketProfile;
  state: FlowState;
}

/** Passport's strategy checks the answer, fetches the token and the profile; see src/bitbucket. */
function askBitbucket({ passport }: Web, provider: string, req: Request, res: Response): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, profile?: unknown, info?: unknown) => {
      if (error) return reject(error);
      if (!profile) return reject(info); // a BitbucketFailure: what the visitor can mend is no `error` to Passport
      resolve({ profile: profile as BitbucketProfile, state: (info as { state: FlowState }).state });
    };
    const authenticate = passport.authenticate(provider, { session: false }, done) as RequestHandler;
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

export function isTicked(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false', 'off'].includes(value);
}
