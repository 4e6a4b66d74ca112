// Started sign-ins ("flows"): one record per click, so that several tabs do not disturb each other. Each is used once.
import { createHash, randomBytes } from 'node:crypto';
import { sweep } from '../db/sweep.ts';
import type { Database, Flow, FlowPurpose } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';

const LIFETIME_MS = 10 * 60_000;
const MAX_PER_BROWSER = 10;

export interface NewFlow {
  browserHash: string;
  provider: string;
  codeVerifier: string;
  purpose: FlowPurpose;
  /** Who started it; undefined for signing in. */
  accountId: number | undefined;
  returnTo: string | undefined;
  rememberMe: boolean;
}

export class Flows {
  readonly #db: Database;
  readonly #now: () => number;

  constructor({ db, now }: Pick<Services, 'db' | 'now'>) {
    this.#db = db;
    this.#now = now;
  }

  /** @returns the `state` to send: 256 random bits. Only its hash is stored, so a copy of the database starts nothing. */
  async start(flow: NewFlow): Promise<string> {
    const state = randomBytes(32).toString('base64url');
    const row: Flow = {
      state_hash: hash(state),
      browser_hash: flow.browserHash,
      provider: flow.provider,
      purpose: flow.purpose,
      account_id: flow.accountId ?? null,
      code_verifier: flow.codeVerifier,
      return_to: flow.returnTo ?? null,
      remember_me: flow.rememberMe ? 1 : 0,
      expires_at: this.#now() + LIFETIME_MS,
    };
    await this.#db.insertInto('flows').values(row).execute();
    await this.#keepNewest(row);
    return state;
  }

  /**
   * After the insert: of starts at the same moment the last to get here sees them all. The one just started stays in any
   * case, also when the clock was put back and the others seem to be newer.
   */
  async #keepNewest({ state_hash, browser_hash }: Flow): Promise<void> {
    const others = this.#db.selectFrom('flows').select('state_hash').where('browser_hash', '=', browser_hash);
    const counting = others.where('state_hash', '!=', state_hash).where('expires_at', '<=', this.#latestEnd());
    const newest = counting
      .orderBy('expires_at', 'desc')
      .orderBy('state_hash')
      .limit(MAX_PER_BROWSER - 1);
    const older = this.#db.deleteFrom('flows').where('browser_hash', '=', browser_hash);
    await older.where('state_hash', '!=', state_hash).where('state_hash', 'not in', newest).execute();
  }

  /** What would last longer was started while the clock was ahead, and was set right since. */
  #latestEnd(): number {
    return this.#now() + 2 * LIFETIME_MS;
  }

  /** Looks without taking: which provider an answer belongs to. Finds flows that have expired, too. */
  async find(state: string, browserHash: string): Promise<Flow | undefined> {
    return this.#db
      .selectFrom('flows')
      .selectAll()
      .where('state_hash', '=', hash(state))
      .where('browser_hash', '=', browserHash)
      .executeTakeFirst();
  }

  /**
   * Takes a flow for the answer that has come. Of two answers with the same state exactly one gets it: the UPDATE is the
   * check. A state that belongs to another browser or provider changes nothing, so no third party can use up a pending
   * sign-in. The row stays under a name that no answer can have, for `finish` to see whether it still counts.
   */
  async take(state: string, browserHash: string, provider: string): Promise<Flow | undefined> {
    const flow = await this.#db
      .updateTable('flows')
      .set({ state_hash: answered(hash(state)) })
      .where('state_hash', '=', hash(state))
      .where('browser_hash', '=', browserHash)
      .where('provider', '=', provider)
      .returningAll()
      .executeTakeFirst();
    return flow && flow.expires_at > this.#now() && flow.expires_at <= this.#latestEnd() ? flow : undefined;
  }

  /**
   * Takes an answered flow out, just before the session starts. While Bitbucket was asked the same browser may have signed
   * out in another tab, which has forgotten the flow; then nobody comes in.
   * @throws AppError `invalid_state`
   */
  async finish(stateHash: string): Promise<void> {
    const flow = this.#db.deleteFrom('flows').where('state_hash', '=', answered(stateHash));
    if ((await flow.executeTakeFirst()).numDeletedRows === 1n) return;
    const sentence = 'This sign-in was ended before it was finished, for example by signing out in another tab.';
    throw new AppError('invalid_state', { sentence });
  }

  /** Ends what a browser has started: an answer that comes or is worked on after sign-out does not sign in again. */
  async forget(browserHash: string): Promise<void> {
    await this.#db.deleteFrom('flows').where('browser_hash', '=', browserHash).execute();
  }

  /** Ends what somebody has started on any browser: a connection under way does not outlive what it was started for. */
  async forgetOf(db: Database, accountId: number): Promise<void> {
    await db.deleteFrom('flows').where('account_id', '=', accountId).execute();
  }

  async sweep(): Promise<void> {
    await sweep(this.#db, { table: 'flows', key: 'state_hash', expires: 'expires_at' }, this.#now());
  }
}

function hash(state: string): string {
  return createHash('sha256').update(state).digest('hex');
}

function answered(stateHash: string): string {
  return `answered ${stateHash}`;
}
