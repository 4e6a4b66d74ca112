// An account as the pages and the JSON of the administration show it. What is secret is not in it.
import { parseGroups } from '../accounts/groups.ts';
import type { ApplicationSettings } from '../application-settings.ts';
import type { Providers } from '../accounts/providers.ts';
import type { WayIn } from '../accounts/ways-in.ts';
import { hasLeft, waysInOf } from '../accounts/ways-in.ts';
import type { Account, Identity } from '../db/tables.ts';
import type { Services } from '../services.ts';
import { timeOf } from '../web/time.ts';

type Time = ReturnType<typeof timeOf>;

interface DescribedWayIn {
  /** `Password`, or `Bitbucket as Alice`. */
  words: string;
  open: boolean;
  /** Shut because the person has left the admitted workspaces. */
  lost: boolean;
  /** null = never. */
  lastUsed: Time | null;
}

/** How the ways in of accounts are put into words; asked once for a whole page. */
export interface Wording {
  services: Services;
  settings: ApplicationSettings;
  labels: Map<string, string>;
}

export async function wordingOf(services: Services, providers: Providers): Promise<Wording> {
  const labels = new Map(providers.configured().map(({ name, label }) => [name, label]));
  return { services, settings: await services.settings.current(), labels };
}

export function describeAccount(account: Account, identities: readonly Identity[], wording: Wording) {
  const { services, settings } = wording;
  const ways = waysInOf(account, identities, { config: services.config(), settings });
  return {
    id: account.id,
    username: account.username,
    name: account.name,
    email: account.email,
    emailVerified: account.email_verified === 1,
    state: account.state,
    admin: account.admin === 1,
    external: account.external === 1,
    createdAt: timeOf(account.created_at),
    waysIn: ways.map((way) => describeWayIn(way, wording)),
    lastSignIn: lastUsedOf(account.last_sign_in_at),
    canSignIn: ways.some(({ open }) => open),
    left: hasLeft(account, identities, services.config()),
    groups: [...new Set(identities.flatMap(({ groups }) => parseGroups(groups)))],
  };
}

function describeWayIn({ by, open, lost, usedAt, identity }: WayIn, { labels }: Wording): DescribedWayIn {
  const words = identity ? `${labels.get(by) ?? by} as ${identity.display_name}` : 'Password';
  return { words, open, lost, lastUsed: lastUsedOf(usedAt) };
}

/** An identity that an administrator has corrected was not used yet: its time is 0. */
function lastUsedOf(usedAt: number | null): Time | null {
  return usedAt ? timeOf(usedAt) : null;
}

export function describeIdentity(identity: Identity, { labels }: Wording) {
  return {
    id: identity.id,
    provider: identity.provider,
    label: labels.get(identity.provider) ?? identity.provider,
    externUid: identity.extern_uid,
    name: identity.display_name,
    username: identity.username,
    groups: parseGroups(identity.groups),
    since: timeOf(identity.created_at),
    lastUsed: lastUsedOf(identity.last_used_at),
  };
}
