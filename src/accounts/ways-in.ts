// How somebody can sign in, and the rule that nobody may break: an administrator who can come in always remains.
import type { ApplicationSettings } from '../application-settings.ts';
import { readApplicationSettings } from '../application-settings.ts';
import type { Config } from '../config/schema.ts';
import type { Account, Database, Identity, Transaction } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import { listIdentities } from './store.ts';

/** A way in that was used within that time is known to work. */
export const PROVED_DAYS = 90;
const PROVED_MS = PROVED_DAYS * 86_400_000;

export interface WayIn {
  /** `password`, or the name of a provider. */
  by: string;
  /** Ways that are switched off, and those of people who have left the admitted workspaces, lead nowhere. */
  open: boolean;
  /** Shut because of a lost membership, whether it is switched off or not. */
  lost: boolean;
  /** When it was last used; null = never. */
  usedAt: number | null;
  identity?: Identity;
}

type Settings = Pick<ApplicationSettings, 'disabled_oauth_sign_in_sources' | 'password_authentication_enabled_for_web'>;

/** Whether people may sign in and connect with a provider: by the configuration, and by the panel. */
export function isSignInSource(name: string, { omniauth }: Config, settings: Settings): boolean {
  const configured = omniauth.enabled && omniauth.providers.some((provider) => provider.name === name);
  return configured && !settings.disabled_oauth_sign_in_sources.includes(name);
}

/** Whether people may import from a provider. Signing in with it may be switched off meanwhile: importing goes on. */
export function isImportSource(
  name: string,
  { import: importing, omniauth }: Config,
  settings: Pick<ApplicationSettings, 'disabled_import_sources'>,
): boolean {
  const configured = importing.enabled && omniauth.providers.some((provider) => provider.name === name);
  return configured && !settings.disabled_import_sources.includes(name);
}

/** Whether the regular form is there. */
export function isPasswordSignInOn(config: Config, settings: Settings): boolean {
  return config.password_sign_in && settings.password_authentication_enabled_for_web;
}

/** In `confirmed_at`: the membership was lost, and that was told. Until the person comes in again there is nothing to ask. */
export const LOST = -1;

/** Whether an identity leads nowhere because its owner has left the admitted workspaces. */
function isLost({ provider, confirmed_at }: Identity, { omniauth }: Config): boolean {
  const asks = omniauth.providers.some(({ name, allowed_workspaces }) => name === provider && allowed_workspaces);
  return asks && confirmed_at === LOST;
}

/** What the ways in of an account depend on besides itself. */
export interface Rules {
  config: Config;
  settings: Settings;
}

/**
 * Whether somebody came in as a member, and is none any more: "only members come in" counts for their password and their
 * access tokens as well. Every identity has to be lost: one at a provider that admits everybody is a way of its own, and
 * who has no identity at all (a colleague without Bitbucket, made by an administrator) never came in as a member.
 * Administrators are no such people: their password is the way back. A slip in `allowed_workspaces`, or a wrong answer of
 * Bitbucket's, would else shut out everybody who could mend it.
 */
export function hasLeft({ admin }: Account, identities: readonly Identity[], config: Config): boolean {
  const known = identities.filter(({ provider }) => config.omniauth.providers.some(({ name }) => name === provider));
  return admin !== 1 && known.length > 0 && known.every((identity) => isLost(identity, config));
}

/** Every way in of an account, open ones and others. */
export function waysInOf(account: Account, identities: readonly Identity[], { config, settings }: Rules): WayIn[] {
  const left = hasLeft(account, identities, config);
  const passwordOn = isPasswordSignInOn(config, settings);
  const password =
    account.password_hash === null
      ? []
      : [{ by: 'password', open: passwordOn && !left, lost: left, usedAt: account.password_used_at }];
  const providers = identities.map((identity) => {
    const lost = isLost(identity, config);
    const open = isSignInSource(identity.provider, config, settings) && !lost;
    return { by: identity.provider, open, lost, usedAt: identity.last_used_at, identity };
  });
  return [...password, ...providers];
}

/**
 * Whether an open way in remains without one of the identities. Who has left does not open their password again by
 * taking away what says so.
 */
export function canDoWithout(
  identity: Identity,
  { account, identities }: { account: Account; identities: readonly Identity[] },
  rules: Rules,
): boolean {
  const others = identities.filter(({ id }) => id !== identity.id);
  return !hasLeft(account, identities, rules.config) && waysInOf(account, others, rules).some(({ open }) => open);
}

/** Whether a lost membership has left an account without a way in: then nothing of it leads in, access tokens included. */
export async function isShutOut(services: Services, account: Account): Promise<boolean> {
  const { db, config, settings } = services;
  // Nearly every server: it costs nothing there.
  if (!config().omniauth.providers.some(({ allowed_workspaces }) => allowed_workspaces)) return false;
  return isShutOutBy(db, account, { config: config(), settings: await settings.current() });
}

/** The same in a transaction, and by what administrators have set at this moment. */
export async function isShutOutWithin(trx: Transaction, { config }: Services, account: Account): Promise<boolean> {
  return isShutOutBy(trx, account, { config: config(), settings: await readApplicationSettings(trx) });
}

async function isShutOutBy(db: Database, account: Account, rules: Rules): Promise<boolean> {
  const identities = await listIdentities(db, account.id);
  const isOpen = waysInOf(account, identities, rules).some(({ open }) => open);
  return !isOpen && identities.some((identity) => isLost(identity, rules.config));
}

/**
 * To be asked in the transaction of every change that could take an administrator away (role, state, identity,
 * password, settings), after the change and before the commit. One such change at a time: two administrators who
 * unmake each other at the same moment would else both succeed.
 * @throws AppError `last_administrator`; the transaction is rolled back with it
 */
export async function requireAdministrator(trx: Transaction, services: Services): Promise<void> {
  await services.database.dialect.lock(trx, ADMINISTRATORS);
  const settings = await readApplicationSettings(trx);
  if (await hasAdministrator(trx, services, settings)) return;
  throw new AppError('last_administrator');
}

/** Taken before the change is written, where two changes could wait for each other's rows. */
export async function lockAdministrators(trx: Transaction, { database }: Services): Promise<void> {
  await database.dialect.lock(trx, ADMINISTRATORS);
}
const ADMINISTRATORS = 'administrators';

async function hasAdministrator(db: Database, services: Services, settings: Settings): Promise<boolean> {
  const administrators = await listAdministrators(db, services, settings);
  return administrators.some(({ ways }) => ways.some((way) => way.open && isProved(way, services.now())));
}

/** Active administrators and how each could come in, if these were the settings. */
export async function listAdministrators(
  db: Database,
  services: Services,
  settings: Settings,
): Promise<{ account: Account; ways: WayIn[] }[]> {
  const administrators = await db
    .selectFrom('accounts')
    .selectAll()
    .where('admin', '=', 1)
    .where('state', '=', 'active')
    .orderBy('id')
    .execute();
  if (administrators.length === 0) return [];
  const ids = administrators.map(({ id }) => id);
  const identities = await db.selectFrom('identities').selectAll().where('account_id', 'in', ids).execute();
  const now = { config: services.config(), settings };
  return administrators.map((account) => {
    const own = identities.filter((identity) => identity.account_id === account.id);
    return { account, ways: waysInOf(account, own, now) };
  });
}

/** Whether a way in was used lately, and so is known to work. */
export function isProved({ usedAt }: WayIn, now: number): boolean {
  return usedAt !== null && now - usedAt <= PROVED_MS;
}
