// Device cookies: a browser in which somebody has signed in before.
//
// One that has signed in by password has a count of wrong tries of its own. Ten wrong tries close an account's form for a
// quarter of an hour, for whoever comes next. So any stranger could keep somebody out for good, root first of all, who may
// have no other way in. A stranger's tries count for all browsers that have never signed in to that account; they do not
// touch the count of one that has. It is no way around the limit: the count belongs to this cookie and this account, and
// only the right password makes a new cookie that has one. What a sign-in with a provider leaves is of another kind: who
// has that way in, but not the password, would else gather counts to guess it with.
//
// Either kind tells a browser that is known from a new one, of which the owner is told. A cookie proves nothing else and
// signs nobody in. It is signed together with what marks the password, so a change of password ends all of them, hashing
// it anew with other costs does not, and nothing about them has to be stored.
// @see https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Account } from '../db/tables.ts';
import { cookieOf } from '../web/input.ts';
import type { Site } from '../web/site.ts';
import { cookieName, cookieOptions } from '../web/site.ts';
import type { Web } from '../web/web.ts';
import { markOfPassword } from './passwords.ts';

const NAME = 'gatehouse-device';
/** One entry per account: many who administer have an account of their own beside root. */
const MAX_ENTRIES = 5;
const ENTRY = '[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}';
const FORM = new RegExp(`^${ENTRY}(\\.${ENTRY}){0,${MAX_ENTRIES - 1}}$`);
/** A person who has not been here for half a year is a stranger again. */
const LIFETIME_MS = 180 * 86_400_000;

type Kind = 'password' | 'provider';

interface Device {
  entry: string;
  /** 128 random bits. */
  name: string;
  kind: Kind;
}

export function findDeviceCookie(req: Request, site: Site): string | undefined {
  return cookieOf(req, cookieName(site, NAME));
}

/** @returns what to count a device's tries by; undefined unless the password of just this account made its cookie */
export function findDevice(cookie: string | undefined, account: Account, keys: string[]): string | undefined {
  const device = readDevice(entriesOf(cookie), account, keys);
  if (device?.kind !== 'password') return undefined;
  return createHash('sha256').update(device.name).digest('hex');
}

/**
 * After somebody has signed in. A device that is known already keeps its name, so that it does not gather counts.
 * @returns whether it was known
 */
export function rememberDevice(
  req: Request,
  res: Response,
  { site, services }: Web,
  { account, by }: { account: Account; by: Kind },
): boolean {
  const keys = services.keys.deviceCookie;
  const [newest] = keys;
  if (newest === undefined) throw new Error('there is no key to sign with');
  const entries = entriesOf(findDeviceCookie(req, site));
  const known = readDevice(entries, account, keys);
  const name = known?.name ?? randomBytes(16).toString('base64url');
  const own = `${name}.${sign(name, account, newest, known?.kind === 'password' ? 'password' : by)}`;
  const others = entries.filter((entry) => entry !== known?.entry);
  const value = [own, ...others].slice(0, MAX_ENTRIES).join('.');
  res.cookie(cookieName(site, NAME), value, { ...cookieOptions(site), maxAge: LIFETIME_MS });
  return known !== undefined;
}

function entriesOf(cookie: string | undefined): string[] {
  return cookie !== undefined && FORM.test(cookie) ? (cookie.match(new RegExp(ENTRY, 'g')) ?? []) : [];
}

function readDevice(entries: string[], account: Account, keys: string[]): Device | undefined {
  for (const entry of entries) {
    const [name = '', signature = ''] = entry.split('.');
    for (const kind of ['password', 'provider'] as const) {
      const isRight = (key: string) =>
        timingSafeEqual(Buffer.from(sign(name, account, key, kind)), Buffer.from(signature));
      if (keys.some(isRight)) return { entry, name, kind };
    }
  }
  return undefined;
}

function sign(name: string, { id, password_hash }: Account, key: string, kind: Kind): string {
  const text = `${name} ${id} ${markOfPassword(password_hash)}`;
  return createHmac('sha256', key)
    .update(kind === 'password' ? text : `provider ${text}`)
    .digest('base64url');
}
