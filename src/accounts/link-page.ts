// "An account with this e-mail exists": who came from Bitbucket proves that the account is theirs, then it is connected.
// The page names who came and the address, which is known to whoever came; of the account it tells nothing.
import type { Request, RequestHandler, Response, Router } from 'express';
import { z } from 'zod';
import type { Account, Transaction } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import { answerDone, wantsJson, withJson } from '../web/answer.ts';
import { parseInput } from '../web/input.ts';
import { methodNotAllowed } from '../web/methods.ts';
import type { Web } from '../web/web.ts';
import { renewSession } from '../web/web.ts';
import { linkIdentity } from './arrive.ts';
import { findDeviceCookie, rememberDevice } from './device-cookie.ts';
import type { SignInEvent } from './events.ts';
import { noteRefused, noteSignedIn } from './events.ts';
import { noteArrival } from './membership.ts';
import { aboutTry, passwordSignIn, startPasswordSession, WrongPassword } from './password-sign-in.ts';
import type { PendingLink } from './pending-links.ts';
import { findPendingLink, markOf, takePendingLink } from './pending-links.ts';
import { isRecent } from './presence.ts';
import type { Providers } from './providers.ts';
import { forgetSignedOut } from './sign-in-page.ts';
import { isPasswordSignInOn } from './ways-in.ts';

const PAGE = '/users/link';
const NOTHING_WAITS =
  'Nothing waits to be connected in this browser. It was done already, took longer than ten minutes, or another Bitbucket account came since.';

type ShowLinkPage = (req: Request, res: Response, link: PendingLink, error?: string) => Promise<void>;

export function linkRoutes(router: Router, web: Web, providers: Providers): void {
  const show = linkPage(web, providers);
  router.get(withJson(PAGE), async (req, res) => show(req, res, await getPendingLink(web, req)));
  router.post(withJson(PAGE), link(web, providers, show));
  router.all(withJson(PAGE), methodNotAllowed('GET, POST'));
}

/** @throws AppError `invalid_state` */
async function getPendingLink(web: Web, req: Request): Promise<PendingLink> {
  const found = await findPendingLink(web.services, browserOf(web, req));
  if (!found) throw new AppError('invalid_state', { sentence: NOTHING_WAITS });
  return found;
}

function browserOf({ site }: Web, req: Request): string {
  return browserHash(findBrowserId(req, site) ?? '');
}

function linkPage(web: Web, providers: Providers): ShowLinkPage {
  const { services, site, render } = web;
  return async (req, res, pending, error) => {
    const { name, label, icon } = await providers.get(pending.provider); // refused while it is switched off
    const { displayName, username, nickname, email } = pending.profile;
    const account = `${site.base}/-/profile/account`;
    const came = { provider: name, label, name: displayName, username: username ?? nickname ?? null, email };
    const mark = markOf(pending);
    const signedIn = req.user?.id === pending.accountId;
    const recent = isRecent(req, web);
    const passwordOn = isPasswordSignInOn(services.config(), await services.settings.current());
    if (wantsJson(req, site)) {
      return void res.json({ came, mark, signed_in: signedIn, confirmed: recent, password: passwordOn });
    }
    render(req, res, 'accounts/link', {
      title: 'Is this account yours?',
      came: { ...came, icon: icon ?? null },
      ...{ mark, signedIn, recent, passwordOn },
      confirmAddress: `${site.base}/users/confirm?return_to=${encodeURIComponent(account)}`,
      otherWayAddress: `${site.base}/users/sign_in?other_account=true&return_to=${encodeURIComponent(account)}`,
      error: error ?? null,
    });
  };
}

const linkForm = z.object({ mark: z.string(), password: z.string().min(1).optional() });

function link(web: Web, providers: Providers, show: ShowLinkPage): RequestHandler {
  return async (req, res) => {
    const form = parseInput(linkForm, req.body);
    const pending = await getPendingLink(web, req);
    // Shown for one Bitbucket account and sent for another: what came since in this browser was not agreed to.
    if (form.mark !== markOf(pending)) throw new AppError('invalid_state', { sentence: NOTHING_WAITS });
    await providers.get(pending.provider);
    if (form.password === undefined) await linkSignedIn(web, req, pending);
    else if (!(await linkWithPassword(web, req, res, { pending, password: form.password, show }))) return;
    const text = `${pending.profile.displayName} opens your account from now on.`;
    await answerDone(web, req, res, { to: `${web.site.base}/`, say: { title: 'Connected', text } });
  };
}

/** Signed in as that account in this browser by now, by whatever way in. */
async function linkSignedIn(web: Web, req: Request, pending: PendingLink): Promise<void> {
  if (req.user?.id !== pending.accountId) throw new AppError('unauthenticated');
  if (!isRecent(req, web)) throw new AppError('not_recent');
  await connectPending(web, req, req.user, pending);
  await renewSession(req);
}

interface PasswordProof {
  pending: PendingLink;
  password: string;
  show: ShowLinkPage;
}

/** The same limits, time and words as in the regular form. @returns false when it was refused and the page is sent */
async function linkWithPassword(
  web: Web,
  req: Request,
  res: Response,
  { pending, password, show }: PasswordProof,
): Promise<boolean> {
  const event: SignInEvent = { provider: 'password', startedAt: performance.now() };
  try {
    const account = await provePassword(web, req, pending, password);
    await connectPending(web, req, account, pending);
    await startPasswordSession(web, req, account, false);
    const newDevice = !rememberDevice(req, res, web, { account, by: 'password' });
    await noteSignedIn(web, req, { ...event, newDevice }, account);
    forgetSignedOut(req, res, web.site);
    return true;
  } catch (error) {
    await noteRefused(web, req, { ...event, ...aboutTry(error) }, error);
    if (!(error instanceof WrongPassword) || wantsJson(req, web.site)) throw error;
    res.status(error.status);
    await show(req, res, pending, error.message);
    return false;
  }
}

async function provePassword(web: Web, req: Request, pending: PendingLink, password: string): Promise<Account> {
  const { services, limits, site } = web;
  if (!isPasswordSignInOn(services.config(), await services.settings.current())) throw new AppError('not_found');
  const login = pending.profile.email ?? '';
  const given = { login, password, address: req.ip, deviceCookie: findDeviceCookie(req, site) };
  const account = await passwordSignIn(services, limits, { ...given, isAdmitted: true });
  // The address has gone to another account meanwhile: that is not the one that was to be proved.
  if (account.id !== pending.accountId) throw new AppError('invalid_state', { sentence: NOTHING_WAITS });
  return account;
}

/** The proof counts as long as what it is for is still there: a change of password or of identities has taken it away. */
async function connectPending(web: Web, req: Request, account: Account, pending: PendingLink): Promise<void> {
  const claim = async (trx: Transaction) => {
    if (await takePendingLink(trx, browserOf(web, req), pending)) return;
    throw new AppError('invalid_state', { sentence: NOTHING_WAITS });
  };
  const { provider, profile, arrival } = pending;
  const identityId = await linkIdentity(web, req, account, { provider, profile, claim });
  // Late, but an arrival like any other: what is lost here would look like a lost membership at the next check.
  if (arrival) await noteArrival(web.services, identityId, { ...arrival, provider });
}
