// The sign-in page: the regular form and below it a button per provider.
import type { Request, Response } from 'express';
import type { Http } from '../bitbucket/http.ts';
import type { Config, ProviderConfig } from '../config/schema.ts';
import { wantsJson } from '../web/answer.ts';
import { cookieOf } from '../web/input.ts';
import { checkReturnTo } from '../web/return-to.ts';
import type { Site } from '../web/site.ts';
import { cookieName, cookieOptions } from '../web/site.ts';
import type { Web } from '../web/web.ts';
import type { Providers } from './providers.ts';
import { isPasswordSignInOn } from './ways-in.ts';

const SIGNED_OUT_COOKIE = 'gatehouse-signed-out';
/** Told on the page once; after that it only keeps the automatic sign-in away. */
const NEWS = 'news';
const SIGNED_OUT_MS = 10 * 60_000;

/** What the forms of the page hold. */
export interface SignInForm {
  login: string;
  rememberMe: boolean;
  /** A checked path, or '' for home. */
  returnTo: string;
  /** Why the regular form was refused. */
  error: string | null;
}

export type ShowSignInPage = (req: Request, res: Response, form?: SignInForm) => Promise<void>;

export function signInPage({ site, services, render }: Web, providers: Providers): ShowSignInPage {
  return async (req, res, form = emptyForm(req, site)) => {
    const config = services.config();
    const list = await providers.list();
    const situation = situationOf(req, site);
    const signedOut = cookieOf(req, cookieName(site, SIGNED_OUT_COOKIE));
    if (signedOut === NEWS) rememberSignedOut(res, site, 'known');
    const passwordSignIn = isPasswordSignInOn(config, await services.settings.current());
    const buttons = list.map((provider) => buttonOf(provider, services.http));
    if (wantsJson(req, site)) {
      const offered = buttons.map(({ name, label, down }) => ({ name, label, down }));
      return void res.json({ password: passwordSignIn, providers: offered });
    }
    const isNews = form.error !== null || situation !== 'arriving' || signedOut !== undefined;
    const stay = isNews || req.query['auto_sign_in'] === 'false';
    render(req, res, 'accounts/sign-in', {
      title: 'Sign in',
      notice: noticeOf(list[0], situation),
      passwordSignIn,
      rememberMeDays: config.session.remember_me_days,
      form,
      providers: buttons,
      autoSignIn: stay ? undefined : list.find(({ name }) => name === config.omniauth.auto_sign_in_with_provider)?.name,
      setUp: setUpFor(config, site),
    });
  };
}

/** Where there is no button yet: what to enter at Bitbucket. */
function setUpFor({ omniauth }: Config, { callbackUrl }: Site): { callbackUrl: string } | null {
  return omniauth.providers.length === 0 && omniauth.enabled ? { callbackUrl } : null;
}

function emptyForm(req: Request, { base }: Site): SignInForm {
  return { login: '', rememberMe: false, returnTo: checkReturnTo(req.query['return_to'], base) ?? '', error: null };
}

type Situation = 'arriving' | 'signed_out' | 'other_account';

function situationOf(req: Request, site: Site): Situation {
  if (req.query['other_account'] !== undefined) return 'other_account';
  return cookieOf(req, cookieName(site, SIGNED_OUT_COOKIE)) === NEWS ? 'signed_out' : 'arriving';
}

function buttonOf({ name, label, icon, url, api_url }: ProviderConfig, http: Http) {
  const down = [url, api_url].some((address) => http.isDown(new URL(address).origin));
  return { name, label, icon: icon ?? null, down };
}

interface Notice {
  kind: 'info' | 'success';
  title: string;
  text: string;
  link: { href: string; label: string } | null;
}

function noticeOf(provider: ProviderConfig | undefined, situation: Situation): Notice | null {
  if (situation === 'arriving') return null;
  const title = situation === 'signed_out' ? 'You are signed out here' : 'Use another account';
  if (!provider) return { kind: 'info', title, text: '', link: null };
  const { label, url } = provider;
  const link = { href: `${url}account/signout/`, label: `Sign out of ${label}` };
  if (situation === 'signed_out') {
    const text = `Your ${label} session is still open. On a computer that others use, sign out there, too.`;
    return { kind: 'success', title, text, link };
  }
  const text = `${label} remembers who you are. Sign out there first, then come back here and sign in as somebody else.`;
  return { kind: 'info', title, text, link };
}

/** Remembers for a while that somebody signed out, so that nothing signs them in again without a click of theirs. */
export function rememberSignedOut(res: Response, site: Site, value: typeof NEWS | 'known' = NEWS): void {
  res.cookie(cookieName(site, SIGNED_OUT_COOKIE), value, { ...cookieOptions(site), maxAge: SIGNED_OUT_MS });
}

export function forgetSignedOut(req: Request, res: Response, site: Site): void {
  const name = cookieName(site, SIGNED_OUT_COOKIE);
  if (cookieOf(req, name) !== undefined) res.clearCookie(name, cookieOptions(site));
}
