// Asks Bitbucket again and again whether people who are signed in are still members: a job of every server.
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { ProviderConfig } from '../config/schema.ts';
import type { Identity } from '../db/tables.ts';
import { findAccount, forgetConfirmations, listMembersToCheck, updateMembership } from './store.ts';
import type { Services } from '../services.ts';
import { parseGroups, readGroups } from './groups.ts';
import type { EndedBecause } from './membership.ts';
import { asksForMembership, endAccess } from './membership.ts';
import { forgetUnneededTokens, ProviderTokens, TokensLost } from './provider-tokens.ts';
import { clientOf, isMember } from './providers.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Rounds come at least so often, and four times in the time after which people are asked for again. */
const ROUND_EVERY_MS = MINUTE_MS;
/** For all that one person's check asks of Bitbucket. */
const CHECK_DEADLINE_MS = 15_000;
const AT_ONCE = 4;
/** In one round; the others come in the next. */
const MOST = 500;
/** At a stop: what is under way may store what it has just been given. */
const STOP_MS = 2000;

export class MembershipChecks {
  readonly #services: Services;
  readonly #tokens: ProviderTokens;
  /** By provider: Bitbucket has asked for a pause until then. */
  readonly #pausedUntil = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;
  #stopped = false;

  constructor(services: Services) {
    this.#services = services;
    this.#tokens = new ProviderTokens(services);
  }

  /** A round from time to time, never two at once. With jitter, so that the processes of a cluster do not march in step. */
  start(): this {
    const next = () => {
      if (this.#stopped) return;
      const waitMs = this.#roundEveryMs() * (0.75 + Math.random() / 4);
      this.#timer = setTimeout(() => void this.round().finally(next), waitMs).unref();
    };
    next();
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const timeout = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([this.#round, timeout]);
  }

  /** Checks all who are due, by the clock of the services. Never rejects: the next round tries again. */
  async round(): Promise<void> {
    this.#round = this.#checkAll().catch((error: unknown) => {
      if (!this.#stopped)
        this.#services.log.warn({ err: error }, 'memberships could not be checked; trying again later');
    });
    return this.#round;
  }

  #roundEveryMs(): number {
    return Math.min(ROUND_EVERY_MS, (this.#services.config().omniauth.recheck_minutes * MINUTE_MS) / 4);
  }

  async #checkAll(): Promise<void> {
    const { db, config, now } = this.#services;
    await forgetUnneededTokens(this.#services);
    const providers = asksForMembership(config());
    // Should `allowed_workspaces` come back, people count as never asked for, not as people who have lost something.
    const others = config().omniauth.providers.filter((provider) => !providers.includes(provider));
    if (others.length > 0)
      await forgetConfirmations(
        db,
        others.map(({ name }) => name),
      );
    // Due a round early: nobody is left for longer than recheck_minutes.
    const dueBefore = now() - config().omniauth.recheck_minutes * MINUTE_MS + this.#roundEveryMs();
    for (const provider of providers) {
      const due = await listMembersToCheck(db, { provider: provider.name, dueBefore, now: now(), limit: MOST });
      const queue = due.values();
      const workers = Array.from({ length: AT_ONCE }, async () => {
        for (const identity of queue) if (!this.#stopped) await this.#checkSafely(provider, identity);
      });
      await Promise.all(workers);
    }
  }

  /** One person whose check fails (a database that is away) keeps no other from being asked, and is due again at once. */
  async #checkSafely(provider: ProviderConfig, identity: Identity): Promise<void> {
    const { db, log } = this.#services;
    try {
      await this.#check(provider, identity);
    } catch (error) {
      if (this.#stopped) return;
      log.warn({ err: error, identity_id: identity.id }, 'memberships could not be checked; trying again later');
      await updateMembership(db, identity.id, { checked_at: identity.checked_at }).catch(() => undefined);
    }
  }

  /** One process checks somebody: the one that writes down first that it does. */
  async #check(provider: ProviderConfig, found: Identity): Promise<void> {
    const { db, now } = this.#services;
    if (this.#isPaused(provider) && !this.#isOverdue(found)) return;
    const identity = { ...found, checked_at: now() === found.checked_at ? now() + 1 : now() };
    if (!(await updateMembership(db, found.id, { checked_at: identity.checked_at }, found.checked_at))) return;
    const outcome = await this.#ask(provider, identity);
    if ('groups' in outcome) {
      const confirmed = { groups: JSON.stringify(outcome.groups), confirmed_at: identity.checked_at };
      await updateMembership(db, identity.id, confirmed, identity.checked_at);
    } else if (outcome.ended) await this.#end(identity, outcome.ended);
  }

  async #end(identity: Identity, because: EndedBecause): Promise<void> {
    const account = await findAccount(this.#services.db, identity.account_id);
    if (account) await endAccess(this.#services, { account, identity, because });
  }

  /** @returns the groups of a member; why access ends; or neither, and it stays as it is until the next time */
  async #ask(
    provider: ProviderConfig,
    identity: Identity,
  ): Promise<{ groups: string[] } | { ended: EndedBecause | undefined }> {
    if (this.#isPaused(provider)) return this.#unanswered(identity);
    const client = clientOf(provider, this.#services.http);
    const deadline = performance.now() + CHECK_DEADLINE_MS;
    try {
      return await this.#tokens.withAccessToken({ identityId: identity.id }, async (accessToken) => {
        const workspaces = await client.listWorkspaces(accessToken, deadline);
        if (!isMember(provider, workspaces)) return { ended: 'not_member' as const };
        const known = parseGroups(identity.groups);
        return { groups: await readGroups({ provider, client, accessToken, workspaces, known, deadline }) };
      });
    } catch (error) {
      // Never confirmed: the tokens of this sign-in were not kept, as it was before `allowed_workspaces` were named.
      if (error instanceof TokensLost) {
        return identity.confirmed_at === 0 ? this.#unanswered(identity) : { ended: 'grant_lost' };
      }
      if (!(error instanceof BitbucketFailure)) throw error;
      if (isRefusal(error)) return { ended: 'access_refused' };
      this.#pause(provider, error);
      return this.#unanswered(identity, error);
    }
  }

  /** Bitbucket being away is not leaving, until the grace is over. */
  #unanswered(identity: Identity, failure?: BitbucketFailure): { ended: EndedBecause | undefined } {
    const { log } = this.#services;
    if (failure) log.warn({ err: failure, identity_id: identity.id }, 'membership could not be checked');
    return { ended: this.#isOverdue(identity) ? 'unconfirmed' : undefined };
  }

  /** A sign-in is a confirmation, too. */
  #isOverdue({ confirmed_at, last_used_at }: Identity): boolean {
    const { config, now } = this.#services;
    return now() - Math.max(confirmed_at, last_used_at) > config().omniauth.recheck_grace_hours * HOUR_MS;
  }

  #isPaused({ name }: ProviderConfig): boolean {
    return this.#services.now() < (this.#pausedUntil.get(name) ?? 0);
  }

  #pause({ name }: ProviderConfig, { retryAfterSeconds }: BitbucketFailure): void {
    if (retryAfterSeconds !== undefined) this.#pausedUntil.set(name, this.#services.now() + retryAfterSeconds * 1000);
  }
}

/** What Bitbucket says of this person, as opposed to what it says of our consumer or of itself. */
function isRefusal({ endpoint, remoteStatus }: BitbucketFailure): boolean {
  return endpoint !== 'token' && (remoteStatus === 401 || remoteStatus === 403);
}
