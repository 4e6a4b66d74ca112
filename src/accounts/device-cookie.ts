// Device cookies: a browser in which somebody has signed in by password before has a count of wrong tries of its own.
//
// Ten wrong tries close an account's form for a quarter of an hour, for whoever comes next. So any stranger could keep
// somebody out for good, root first of all, who may have no other way in. A stranger's tries count for all browsers that
// have never signed in to that account; they do not touch the count of one that has.
//
// It is no way around the limit: the count belongs to this cookie and this account, and only the right password makes a
// new cookie. It proves nothing else and signs nobody in. It is signed together with the stored hash of the password, so
// a change of password ends all of them and nothing about them has to be stored.
// @see https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Account } from '../db/tables.ts';
import { cookieOf } from '../web/input.ts';
import type { Site } from '../web/site.ts';
import { cookieName, cookieOptions } from '../web/site.ts';
import type { Web } from '../web/web.ts';

const NAME = 'gatehouse-device';
const FORM = /^([A-Za-z0-9_-]{22})\.([A-Za-z0-9_-]{43})$/;
/** A person who has not been here for half a year is a stranger again. */
const LIFETIME_MS = 180 * 86_400_000;

export function findDeviceCookie(req: Request, site: Site): string | undefined {
  return cookieOf(req, cookieName(site, NAME));
}

/** @returns what to count a device's tries by; undefined unless its cookie was made for just this account */
export function findDevice(cookie: string | undefined, account: Account, keys: string[]): string | undefined {
  const device = readDevice(cookie, account, keys);
  return device && createHash('sha256').update(device).digest('hex');
}

function readDevice(cookie: string | undefined, account: Account, keys: string[]): string | undefined {
  const [, device, signature] = FORM.exec(cookie ?? '') ?? [];
  if (device === undefined || signature === undefined) return undefined;
  const isRight = (key: string) => timingSafeEqual(Buffer.from(sign(device, account, key)), Buffer.from(signature));
  return keys.some(isRight) ? device : undefined;
}

/** After a right password. A device that is known already keeps its name, so that it does not gather counts. */
export function rememberDevice(req: Request, res: Response, { site, services }: Web, account: Account): void {
  const keys = services.keys.deviceCookie;
  const [newest] = keys;
  if (newest === undefined) throw new Error('there is no key to sign with');
  const device = readDevice(findDeviceCookie(req, site), account, keys) ?? randomBytes(16).toString('base64url');
  const value = `${device}.${sign(device, account, newest)}`;
  res.cookie(cookieName(site, NAME), value, { ...cookieOptions(site), maxAge: LIFETIME_MS });
}

function sign(device: string, account: Account, key: string): string {
  return createHmac('sha256', key).update(`${device} ${account.id} ${account.password_hash}`).digest('base64url');
}
