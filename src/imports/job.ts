// One turn of working on an import: what its stages read with and write through. Whatever is written goes through `save`,
// which checks the lease; whatever fails for one item alone becomes a record and not the end.
import { setTimeout as sleep } from 'node:timers/promises';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { ImportClient } from '../bitbucket/import-client.ts';
import type { Http } from '../bitbucket/http.ts';
import { mayPass } from '../bitbucket/wait.ts';
import type { Import } from '../db/import-tables.ts';
import type { Project } from '../db/project-tables.ts';
import type { Database, Transaction } from '../db/tables.ts';
import type { Services } from '../services.ts';
import type { Access } from './access.ts';
import type { Failure } from './failures.ts';
import { forgetFailure, nameOf, saveFailure } from './failures.ts';
import { writeLine } from './journal.ts';
import type { StageName } from './stage-names.ts';
import type { Lease } from './leases.ts';
import { whileHolding } from './leases.ts';
import { reasonOf } from './words.ts';

/** Others wait for their turn: this import goes on later where it is. */
export class TurnOver extends Error {
  constructor() {
    super('others wait for their turn');
  }
}

/** The import cannot go on: the sentence says why, for the person. */
export class ImportFailed extends Error {}

/** So many items in a row that fail for the moment are no trouble of the items. */
const OUTAGE = 3;
const DATABASE_PAUSE_MS = 500;

export interface JobOptions {
  services: Services;
  row: Import;
  project: Project;
  access: Access;
  client: ImportClient;
  /** For files that are fetched without any authorization. */
  http: Http;
  signal: AbortSignal;
  /** What earlier turns could not bring, as `nameOf` has it. */
  failed: Set<string>;
  /** Asked after each write: whether to stop here so that others get their turn. */
  isTurnOver: () => boolean;
  /** To be called at each sign that the work moves: an answer, a write, a word of git, a piece of a file. */
  pulse: () => void;
}

export class Job {
  readonly services: Services;
  readonly row: Import;
  /** As it was when the turn began; its row is written by the stages. */
  project: Project;
  readonly access: Access;
  readonly client: ImportClient;
  readonly http: Http;
  readonly signal: AbortSignal;
  readonly pulse: () => void;
  readonly lease: Lease;
  /** Calls of the API that are not yet written down. */
  calls = 0;
  /** Something was brought in this turn that stays, whatever comes next. */
  hasProgressed = false;
  readonly #failed: Set<string>;
  readonly #isTurnOver: () => boolean;
  #inVain = 0;

  constructor({ services, row, project, access, client, http, signal, failed, isTurnOver, pulse }: JobOptions) {
    this.services = services;
    this.row = row;
    this.project = project;
    this.access = access;
    this.client = client;
    this.http = http;
    this.signal = signal;
    this.pulse = pulse;
    this.lease = { importId: row.id, fence: row.fence };
    this.#failed = failed;
    this.#isTurnOver = isTurnOver;
  }

  get db(): Database {
    return this.services.db;
  }

  /** `workspace/slug` at Bitbucket. */
  get source(): string {
    return this.project.source_full_name;
  }

  /** Only what changed since then, milliseconds; null = everything. */
  get since(): number | null {
    return this.row.since;
  }

  /**
   * Writes in one transaction while the lease counts, and waits for a database that is away or busy.
   * @param isProgress whether an import that is interrupted again and again gets further by this
   * @throws LeaseLost; TurnOver after what was given is written
   */
  async save(
    work: (trx: Transaction) => Promise<void>,
    { isProgress }: { isProgress: boolean } = { isProgress: false },
  ): Promise<void> {
    const { calls } = this;
    this.hasProgressed ||= isProgress;
    const { hasProgressed } = this;
    await this.patiently(() => whileHolding(this.db, this.lease, { calls, hasProgressed, work }));
    this.calls -= calls;
    this.signal.throwIfAborted();
    if (this.#isTurnOver()) throw new TurnOver();
  }

  /** A line for the person. */
  async note(text: string): Promise<void> {
    await this.patiently(() => writeLine(this.db, this.row.id, text, this.services.now()));
  }

  /** An item that is not here. @param again whether the stage tries it once more before it ends */
  async fail(failure: Failure, { again }: { again: boolean } = { again: false }): Promise<void> {
    const retry = again && !this.#failed.has(nameOf(failure)) ? 1 : 0;
    this.#failed.add(nameOf(failure));
    const { row, services } = this;
    await this.save((trx) => saveFailure(trx, row.id, { ...failure, retry }, services.now()));
  }

  /** An item that is here now, whatever was said of it before. */
  async forget(item: { kind: string; key: string }): Promise<void> {
    if (!this.#failed.delete(nameOf(item))) return;
    await this.save((trx) => forgetFailure(trx, this.row.id, item), { isProgress: true });
  }

  /**
   * The same in the transaction that writes the item: for what nobody looks at again once it is written, so that a stop
   * in between leaves nothing in the report that is here.
   */
  async forgetIn(trx: Transaction, item: { kind: string; key: string }): Promise<void> {
    if (this.#failed.has(nameOf(item))) await forgetFailure(trx, this.row.id, item);
  }

  /**
   * Brings one item. What Bitbucket does not give becomes a record; what concerns more than this item is thrown.
   * @param work gives false when it has written down by itself that something of the item is missing
   * @returns whether it is here now
   */
  async attempt(
    item: { stage: StageName; kind: string; key: string; sourceUrl: string | null },
    work: () => Promise<boolean | void>,
  ): Promise<boolean> {
    let isWhole: boolean | void;
    try {
      isWhole = await work();
    } catch (error) {
      if (!(error instanceof BitbucketFailure) || this.#concernsAll(error)) throw error;
      await this.fail({ ...item, reason: reasonOf(error), retryable: true }, { again: mayPass(error) });
      return false;
    }
    this.#inVain = 0;
    if (isWhole !== false) await this.forget(item);
    return true;
  }

  #concernsAll(error: BitbucketFailure): boolean {
    if (this.signal.aborted || error.endpoint === 'token') return true;
    if (error.reason === 'throttled' || error.remoteStatus === 401) return true;
    if (!mayPass(error)) return false;
    this.#inVain++;
    return this.#inVain >= OUTAGE;
  }

  /** Does it again and again while the database is away, busy or full: an import waits for it as long as it takes. */
  async patiently<T>(work: () => Promise<T>): Promise<T> {
    const { dialect } = this.services.database;
    for (let tries = 1; ; tries++) {
      this.pulse();
      try {
        return await work();
      } catch (error) {
        if (!dialect.isUnavailable(error) && !dialect.isConflict(error)) throw error;
        this.signal.throwIfAborted();
        if (tries === 1)
          this.services.log.warn({ err: error, import_id: this.row.id }, 'an import waits for the database');
        await sleep(DATABASE_PAUSE_MS, undefined, { signal: this.signal }).catch(() => this.signal.throwIfAborted());
      }
    }
  }
}
