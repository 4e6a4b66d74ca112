// Tokens of an identity, or of a consent to import, at a provider: kept sealed, renewed by one at a time. No other file
// writes their table.
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { recordEvent } from '../audit/record.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import { TokenClient } from '../bitbucket/token.ts';
import type { TokenSet } from '../bitbucket/token-reply.ts';
import type { ProviderConfig } from '../config/schema.ts';
import type { Database, ProviderTokens as Row, Transaction } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { isSealedWithOldKey, seal, unseal } from '../seal.ts';
import type { Services } from '../services.ts';
import type { Holder } from './token-holders.ts';
import { importConsumer, keyOf, ownerOf } from './token-holders.ts';

/** Longer than a refresh may take, so that nobody begins a second one beside a slow first. */
const LEASE_MS = 30_000;
const REFRESH_DEADLINE_MS = 10_000;
/** How often those who wait for somebody else's refresh look whether it is done. */
const LOOK_EVERY_MS = 100;
/** Renewed when a fifth of its life is left, or five minutes, whichever is more; but never in its first half. */
const LEFT_PART = 0.2;
const LEFT_MS = 5 * 60_000;

/** Why the tokens of an identity are no good any more; the reason of the event. */
export type LostBecause = 'grant_lost' | 'no_refresh_token' | 'unreadable';

/** The person has to sign in with the provider, or connect it, once more. The tokens are deleted. */
export class TokensLost extends AppError {
  constructor() {
    super('reconnect');
  }
}

/** Whether a feature needs the tokens of people who come in with this provider: only then are they kept. */
export function needsTokens(provider: ProviderConfig): boolean {
  return provider.allowed_workspaces !== undefined;
}

/** What is inside the seal. */
const contents = z.object({
  access: z.string(),
  refresh: z.string().optional(),
  /** From then on it is renewed before it is used. */
  refreshAt: z.number(),
});
type Contents = z.infer<typeof contents>;

interface Opened extends Contents {
  holder: Holder;
  version: number;
  expiresAt: number;
}

/** In the transaction that makes or renews the holder. Whoever is refreshing older tokens finds these instead. */
export async function keepTokens(trx: Transaction, services: Services, holder: Holder, tokens: TokenSet) {
  const row = {
    holder: keyOf(holder),
    identity_id: 'identityId' in holder ? holder.identityId : null,
    credential_id: 'credentialId' in holder ? holder.credentialId : null,
    version: 1,
    refreshing_until: 0,
    ...sealedColumns(services, holder, tokens),
  };
  await trx
    .insertInto('provider_tokens')
    .values(row)
    .onConflict((conflict) =>
      conflict.column('holder').doUpdateSet((eb) => ({
        ...sealedColumns(services, holder, tokens),
        version: eb('provider_tokens.version', '+', 1),
        refreshing_until: 0,
      })),
    )
    .execute();
}

/** Nobody needs them any more. @returns whether there were any */
export async function forgetTokens(db: Database, holder: Holder): Promise<boolean> {
  const gone = await db.deleteFrom('provider_tokens').where('holder', '=', keyOf(holder)).executeTakeFirst();
  return gone.numDeletedRows > 0n;
}

/** Deletes what is kept for no feature any more, after a change of the configuration. */
export async function forgetUnneededTokens({ db, config }: Services): Promise<void> {
  const unneeded = config().omniauth.providers.filter((provider) => !needsTokens(provider));
  if (unneeded.length === 0) return;
  const names = unneeded.map(({ name }) => name);
  await db
    .deleteFrom('provider_tokens')
    .where('identity_id', 'in', (eb) => eb.selectFrom('identities').select('id').where('provider', 'in', names))
    .execute();
}

/** Access tokens that are good at this moment, whoever needs one and on however many processes. */
export class ProviderTokens {
  readonly #services: Services;
  /** Refreshes of this process by holder and version: those who need the same one wait for it, and share its failure. */
  readonly #underWay = new Map<string, Promise<Opened>>();

  constructor(services: Services) {
    this.#services = services;
  }

  /**
   * Does something with a valid access token; once more with a new one if Bitbucket says 401. Other errors of `work`
   * come through as they are.
   * @throws TokensLost when only the person can help; BitbucketFailure when it is worth another try later
   */
  async withAccessToken<T>(holder: Holder, work: (accessToken: string) => Promise<T>): Promise<T> {
    const tokens = await this.#current(holder);
    try {
      return await work(tokens.access);
    } catch (error) {
      if (!isUnauthorized(error)) throw error;
      const renewed = await this.#newerThan(tokens);
      return work(renewed.access);
    }
  }

  async #current(holder: Holder): Promise<Opened> {
    const tokens = await this.#read(holder);
    const now = this.#services.now();
    if (now < tokens.refreshAt) return tokens;
    try {
      return await this.#newerThan(tokens, { orThese: now < tokens.expiresAt });
    } catch (error) {
      // Not renewed in time, but good for a while: Bitbucket's trouble becomes nobody else's before it has to.
      if (error instanceof BitbucketFailure && this.#services.now() < tokens.expiresAt) return tokens;
      throw error;
    }
  }

  /** @param orThese while somebody else renews them, these are good enough */
  #newerThan(tokens: Opened, { orThese } = { orThese: false }): Promise<Opened> {
    // Those who can do with what they have may be given just that, which is no use to the others.
    const key = `${keyOf(tokens.holder)} ${tokens.version} ${orThese}`;
    const known = this.#underWay.get(key);
    if (known) return orThese ? Promise.resolve(tokens) : known;
    const refreshed = this.#refreshOrWait(tokens, orThese).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, refreshed);
    return refreshed;
  }

  /** One process gets the lease and asks Bitbucket; the others read what it stores. */
  async #refreshOrWait(tokens: Opened, orThese: boolean): Promise<Opened> {
    const giveUpAt = performance.now() + LEASE_MS + LOOK_EVERY_MS;
    for (;;) {
      const until = await this.#takeLease(tokens);
      if (until !== undefined) return this.#refresh(tokens, until);
      if (orThese) return tokens;
      await wait(LOOK_EVERY_MS);
      const found = await this.#read(tokens.holder);
      if (found.version !== tokens.version) return found;
      if (performance.now() > giveUpAt)
        throw new BitbucketFailure('timeout', 'token', 'the refresh of another process');
    }
  }

  /** @returns until when; undefined while somebody else has it, or when the tokens are no longer these */
  async #takeLease({ holder, version }: Opened): Promise<number | undefined> {
    const { db, now } = this.#services;
    const until = now() + LEASE_MS;
    const free = db.updateTable('provider_tokens').where('holder', '=', keyOf(holder)).where('version', '=', version);
    const taken = await free
      // One from the future was taken before the clock was set right, and would bar everybody until then.
      .where((eb) => eb.or([eb('refreshing_until', '<=', now()), eb('refreshing_until', '>', until)]))
      .set({ refreshing_until: until })
      .executeTakeFirst();
    return taken.numUpdatedRows === 1n ? until : undefined;
  }

  /**
   * The new refresh token is on the disk before the new access token is used, and only if nobody has stored others
   * meanwhile (`version`). Should this process die between Bitbucket's answer and the commit, the answer is lost and the
   * lease ends after LEASE_MS: the next to come tries the old refresh token again, which Bitbucket takes for about ten
   * minutes after its first use. Later than that the grant is lost, and the person is asked to connect again.
   */
  async #refresh(tokens: Opened, until: number): Promise<Opened> {
    const { holder, version } = tokens;
    try {
      if (tokens.refresh === undefined) return await this.#lose(tokens, 'no_refresh_token');
      const client = await this.#clientOf(holder);
      const renewed = await client.refresh(tokens.refresh, performance.now() + REFRESH_DEADLINE_MS);
      await this.#services.db.transaction().execute((trx) =>
        trx
          .updateTable('provider_tokens')
          .set({ ...sealedColumns(this.#services, holder, renewed), version: version + 1, refreshing_until: 0 })
          .where('holder', '=', keyOf(holder))
          .where('version', '=', version)
          .execute(),
      );
      return await this.#read(holder); // another's, if another was first
    } catch (error) {
      if (error instanceof BitbucketFailure && error.reason === 'grant_lost') return this.#lose(tokens, 'grant_lost');
      await this.#giveLeaseBack(tokens, until);
      throw error;
    }
  }

  async #giveLeaseBack({ holder, version }: Opened, until: number): Promise<void> {
    await this.#services.db
      .updateTable('provider_tokens')
      .set({ refreshing_until: 0 })
      .where('holder', '=', keyOf(holder))
      .where('version', '=', version)
      .where('refreshing_until', '=', until)
      .execute();
  }

  /** Deletes the tokens and says so; but if somebody has stored others meanwhile, gives those. */
  async #lose({ holder, version }: Pick<Opened, 'holder' | 'version'>, why: LostBecause): Promise<Opened> {
    const { db } = this.#services;
    const lost = await db.transaction().execute(async (trx) => {
      const owner = await ownerOf(trx, holder);
      const these = trx.deleteFrom('provider_tokens').where('holder', '=', keyOf(holder));
      const gone = await these.where('version', '=', version).executeTakeFirst();
      if (gone.numDeletedRows === 0n) return false;
      const event = { action: 'provider_tokens_lost', reason: why, actor: null } as const;
      await recordEvent(this.#services, trx, { ...event, account: owner?.account, target: owner?.provider });
      return true;
    });
    if (lost) throw new TokensLost();
    return this.#read(holder);
  }

  async #read(holder: Holder): Promise<Opened> {
    const { db, keys } = this.#services;
    const row = await db
      .selectFrom('provider_tokens')
      .selectAll()
      .where('holder', '=', keyOf(holder))
      .executeTakeFirst();
    if (!row) throw new TokensLost();
    const opened = open(row, keys.providerTokens);
    if (!opened) return this.#lose({ holder, version: row.version }, 'unreadable');
    await this.#sealAnew(row);
    return { ...opened, holder, version: row.version, expiresAt: row.expires_at };
  }

  /** After a rotation of the key: the old one can go when everything it has sealed was used once. */
  async #sealAnew({ holder, sealed }: Row): Promise<void> {
    const { db, keys } = this.#services;
    if (!isSealedWithOldKey(sealed, keys.providerTokens)) return;
    const text = unseal(sealed, keys.providerTokens, placeOf(holder));
    if (text === undefined) return;
    await db
      .updateTable('provider_tokens')
      .set({ sealed: seal(text, keys.providerTokens, placeOf(holder)) })
      .where('holder', '=', holder)
      .where('sealed', '=', sealed)
      .execute();
  }

  /** @throws BitbucketFailure `misconfigured` while the provider is not in the configuration */
  async #clientOf(holder: Holder): Promise<TokenClient> {
    const { db, http, config } = this.#services;
    const owner = await ownerOf(db, holder);
    const provider = config().omniauth.providers.find(({ name }) => name === owner?.provider);
    if (!provider) throw new BitbucketFailure('misconfigured', 'token', 'the provider is not configured any more');
    const { url, api_url: apiUrl } = provider;
    const { app_id: clientID, app_secret: clientSecret } = 'identityId' in holder ? provider : importConsumer(provider);
    return new TokenClient({ url, apiUrl, clientID, clientSecret, http });
  }
}

/** Bound to the row: in any other one it does not open. */
function placeOf(holder: string): string {
  return `provider_tokens ${holder}`;
}

function sealedColumns({ keys, now }: Services, holder: Holder, tokens: TokenSet) {
  const lifeMs = tokens.expiresInSeconds * 1000;
  const left = Math.min(Math.max(lifeMs * LEFT_PART, LEFT_MS), lifeMs / 2);
  const inside: Contents = {
    access: tokens.accessToken,
    refresh: tokens.refreshToken,
    refreshAt: Math.floor(now() + lifeMs - left),
  };
  return {
    sealed: seal(JSON.stringify(inside), keys.providerTokens, placeOf(keyOf(holder))),
    scopes: (tokens.scopes ?? []).join(' '),
    expires_at: now() + lifeMs,
  };
}

function open({ holder, sealed }: Row, keys: readonly string[]): Contents | undefined {
  const text = unseal(sealed, keys, placeOf(holder));
  if (text === undefined) return undefined;
  return contents.safeParse(JSON.parse(text)).data;
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof BitbucketFailure && error.endpoint !== 'token' && error.remoteStatus === 401;
}
