// "Sign-in restrictions": what the panel can switch, what the form means, and who a change would shut out.
import type { ApplicationSettings } from '../application-settings.ts';
import type { WayIn } from '../accounts/ways-in.ts';
import { isProved, listAdministrators, PROVED_DAYS } from '../accounts/ways-in.ts';
import type { Config } from '../config/schema.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import { timeOf } from '../web/time.ts';

/** What somebody wants to be on; undefined stays as it is. */
export interface Wish {
  signInSources: string[] | undefined;
  password: boolean | undefined;
  importSources: string[] | undefined;
}

/** What the configuration file allows the panel to switch. */
export function switchable({ omniauth, password_sign_in, import: importing }: Config): {
  signIn: boolean;
  password: boolean;
  importing: boolean;
} {
  return { signIn: omniauth.enabled, password: password_sign_in, importing: importing.enabled };
}

/**
 * The settings as wished. What cannot be ticked, because the configuration has it switched off or does not name it at
 * the moment, keeps what was chosen before.
 * @throws AppError `bad_request` for a provider that is not configured
 */
export function settingsAfter(before: ApplicationSettings, wish: Wish, config: Config): ApplicationSettings {
  const can = switchable(config);
  const names = config.omniauth.providers.map(({ name }) => name);
  const disabled = (stored: string[], enabled: string[] | undefined, isOn: boolean) => {
    if (enabled?.some((name) => !names.includes(name)))
      throw new AppError('bad_request', { sentence: 'One of the sources is no provider of the configuration.' });
    if (enabled === undefined || !isOn) return stored;
    return [
      ...stored.filter((name) => !names.includes(name)),
      ...names.filter((name) => !enabled.includes(name)),
    ].sort();
  };
  return {
    disabled_oauth_sign_in_sources: disabled(before.disabled_oauth_sign_in_sources, wish.signInSources, can.signIn),
    password_authentication_enabled_for_web:
      can.password && wish.password !== undefined ? wish.password : before.password_authentication_enabled_for_web,
    disabled_import_sources: disabled(before.disabled_import_sources, wish.importSources, can.importing),
  };
}

/** What differs, as `[before, after]`. */
export function changesBetween(
  before: ApplicationSettings,
  after: ApplicationSettings,
): Partial<Record<keyof ApplicationSettings, [unknown, unknown]>> {
  const keys = Object.keys(after) as (keyof ApplicationSettings)[];
  const changed = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return Object.fromEntries(changed.map((key) => [key, [before[key], after[key]]]));
}

/** Whether a way to sign in is shut that was open. Opening one takes nobody's way in, also when none was used lately. */
export function shutsAWay(before: ApplicationSettings, after: ApplicationSettings): boolean {
  const newlyOff = after.disabled_oauth_sign_in_sources.filter(
    (name) => !before.disabled_oauth_sign_in_sources.includes(name),
  );
  const { password_authentication_enabled_for_web: password } = before;
  return newlyOff.length > 0 || (password && !after.password_authentication_enabled_for_web);
}

/** An administrator, and a line about each way in. */
export interface ShutOut {
  username: string;
  ways: string[];
}

/** Why a change was refused: what would become of the ways in of each administrator. */
export async function describeShutOut(
  services: Services,
  before: ApplicationSettings,
  after: ApplicationSettings,
): Promise<ShutOut[]> {
  const [now, then] = await Promise.all([
    listAdministrators(services.db, services, before),
    listAdministrators(services.db, services, after),
  ]);
  return then.map(({ account, ways }) => {
    const today = now.find((other) => other.account.id === account.id)?.ways ?? [];
    const lines = ways.map((way, at) => lineAbout(way, today[at], services));
    return { username: account.username, ways: lines.length > 0 ? lines : ['no way in at all'] };
  });
}

function lineAbout(way: WayIn, today: WayIn | undefined, { now, config }: Services): string {
  const label = config().omniauth.providers.find(({ name }) => name === way.by)?.label;
  const by = way.by === 'password' ? 'user name and password' : `${label ?? way.by} (${way.by})`;
  const proof = way.usedAt === null ? 'never used' : `last used ${timeOf(way.usedAt).text}`;
  if (way.lost) return `${by}, ${proof}: membership lost`;
  if (!way.open) return `${by}, ${proof}: ${today?.open ? 'would be switched off' : 'is switched off'}`;
  return isProved(way, now()) ? `${by}, ${proof}: would stay` : `${by}, ${proof}: not in the last ${PROVED_DAYS} days`;
}
