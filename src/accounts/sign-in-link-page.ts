// The page of a one-time sign-in link. Opening it uses nothing up, whoever looks at addresses before people do; a click does.
import type { Request, RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { Account } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { answerDone } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import type { Limit } from '../web/limits.ts';
import { addressKey } from '../web/limits.ts';
import { methodNotAllowed } from '../web/methods.ts';
import type { Web } from '../web/web.ts';
import { startSession } from '../web/web.ts';
import { rememberDevice } from './device-cookie.ts';
import type { SignInEvent } from './events.ts';
import { noteSignedIn, notingRefusal } from './events.ts';
import { obstacleFor, refusal } from './sign-in.ts';
import { LINK_PATH, takeSignInLink } from './sign-in-links.ts';
import { forgetSignedOut } from './sign-in-page.ts';
import { findAccount } from './store.ts';
import { isPasswordSignInOn, isSignInSource } from './ways-in.ts';

const linkForm = z.object({ token: z.string().max(2048) });

export function signInLinkRoutes(router: Router, web: Web): void {
  router.get(LINK_PATH, (req, res) => web.render(req, res, 'accounts/one-time-sign-in', { title: 'One-time sign-in' }));
  router.post(LINK_PATH, signInWithLink(web));
  router.all(LINK_PATH, methodNotAllowed('GET, POST'));
}

/** Asks neither for the regular form nor for a provider to be on: this is the way back in when all of them are shut. */
function signInWithLink(web: Web): RequestHandler {
  return async (req, res) => {
    const event: SignInEvent = { provider: 'link', startedAt: performance.now() };
    await notingRefusal(web, req, event, web.limits.take(limitOf(req, web)));
    const { token } = parseInput(linkForm, req.body);
    const account = await takeAccount(web, tokenIn(token));
    const obstacle = account ? obstacleFor(account) : 'invalid_link';
    if (!account || obstacle) {
      const error = obstacle ? refusal(account, obstacle) : new AppError('invalid_link');
      await notingRefusal(web, req, { ...event, account }, Promise.reject(error));
      return;
    }
    await startSession(req, account, { rememberMe: false, provider: 'link' });
    const newDevice = !rememberDevice(req, res, web, { account, by: 'provider' }); // not by password: it gets no count of tries
    await noteSignedIn(web, req, { ...event, newDevice }, account);
    forgetSignedOut(req, res, web.site);
    const say = {
      title: 'You are signed in by a one-time link',
      text: `The link is used up. ${await adviceFor(web)}`,
    };
    await answerDone(web, req, res, { to: `${web.site.base}/`, say });
  };
}

/** How to come in by oneself next time, with what is switched on. */
async function adviceFor({ services: { config, settings } }: Web): Promise<string> {
  const now = await settings.current();
  const connectable = config().omniauth.providers.filter(({ name }) => isSignInSource(name, config(), now));
  const ways = [
    ...(isPasswordSignInOn(config(), now) ? ['set a password'] : []),
    ...connectable.map(({ label }) => `connect ${label}`),
  ];
  if (ways.length === 0) return 'No way to sign in is switched on: an administrator does that in Settings.';
  return `In your account, ${ways.join(' or ')}, so that you come in by yourself next time.`;
}

function takeAccount({ services: { db, now } }: Web, token: string): Promise<Account | undefined> {
  return db.transaction().execute(async (trx) => {
    const id = await takeSignInLink(trx, token, now());
    return id === undefined ? undefined : findAccount(trx, id);
  });
}

/** People copy the whole address. */
function tokenIn(text: string): string {
  return text.trim().split('#').at(-1) ?? '';
}

function limitOf(req: Request, { services }: Web): Limit {
  const max = services.config().rate_limits.password_per_minute;
  return { key: `sign-in-link:${addressKey(req.ip)}`, max, windowSeconds: 60 };
}
