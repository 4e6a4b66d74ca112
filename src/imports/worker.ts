// Takes imports that are due and works on them, a few at a time, beside other workers in other processes.
import { createHttp, type Http } from '../bitbucket/http.ts';
import type { Import } from '../db/import-tables.ts';
import type { Services } from '../services.ts';
import { queueDaily } from './schedule.ts';
import type { Orders } from './leases.ts';
import { claimImport, LeaseLost, listDueImports, renewLease } from './leases.ts';
import { Accesses } from './access.ts';
import { findShutOut, takeTurn, TurnStopped } from './turn.ts';

export interface WorkerOptions {
  /** This one and no other, once it is due. */
  only?: number;
  /** How often it looks for work, default 1,000. */
  lookEveryMs?: number;
  /** How often a worker shows that it lives and asks whether to stop, default 3,000: a cancelled import ends within that time. */
  beatEveryMs?: number;
  /** How long an import may go on while others wait for a turn, default 60,000. */
  turnMs?: number;
  /** A clock that never leaps, milliseconds; by default that of the process. */
  steady?: () => number;
  http?: Http;
}

/** Pages of fifty pull requests, and diffs. */
const MOST_BYTES = 32 * 1024 * 1024;
const DEADLINE_MS = 60_000;
/** What is due by schedule need not begin to the minute. */
const SCHEDULE_EVERY_MS = 10 * 60_000;
/** At a stop: what is under way may write down how far it is. */
const STOP_MS = 8000;

/**
 * Every step has a limit of its own, and git counts as it goes. What shows nothing for so long, whyever, is ended and
 * begun again: a process that lives must not keep what it does not get on with.
 */
const STUCK_MS = 9.5 * 60_000;

interface Turn {
  row: Import;
  began: number;
  /** When it last showed that it moves. */
  movedAt: number;
  stop: AbortController;
  /** Somebody else waits. */
  isOver: boolean;
  ended: Promise<void>;
}

export class ImportWorker {
  readonly #services: Services;
  readonly #options: WorkerOptions;
  readonly #http: Http;
  readonly #accesses: Accesses;
  readonly #turns = new Set<Turn>();
  readonly #steady: () => number;
  #timer: NodeJS.Timeout | undefined;
  #beat: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;
  #lookedAtSchedule = 0;

  constructor(services: Services, options: WorkerOptions = {}) {
    this.#services = services;
    this.#options = options;
    this.#steady = options.steady ?? (() => performance.now());
    this.#accesses = new Accesses(services);
    const { changes } = services;
    const onChangeNotice = (notice: Parameters<typeof changes.note>[0]) => changes.note(notice);
    // Of its own: what goes wrong with large answers closes no breaker for people who sign in.
    this.#http = options.http ?? createHttp({ deadlineMs: DEADLINE_MS, maxBodyBytes: MOST_BYTES, onChangeNotice });
  }

  start(): this {
    const everyMs = this.#options.lookEveryMs ?? 1000;
    const next = () => {
      if (this.#isStopped) return;
      // With jitter, so that workers of several processes do not march in step.
      this.#timer = setTimeout(() => void this.look().finally(next), everyMs * (0.5 + Math.random())).unref();
    };
    next();
    this.#beat = setInterval(() => void this.beat(), this.#options.beatEveryMs ?? 3000).unref();
    return this;
  }

  /** Ends the turns; what they did is written down, and any worker goes on from there. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#beat);
    await this.#looking;
    for (const { stop } of this.#turns) stop.abort(new TurnStopped('leaving'));
    const ended = Promise.allSettled([...this.#turns].map((turn) => turn.ended));
    const late = new Promise((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([ended, late]);
    if (this.#options.http === undefined) await this.#http.close();
  }

  /** Takes what is due, as far as there is room. Never rejects: a database that is away is asked again. */
  async look(): Promise<void> {
    this.#looking = this.#take().catch((error: unknown) => {
      if (!this.#isStopped) this.#services.log.warn({ err: error }, 'imports could not be looked for; trying again');
    });
    await this.#looking;
  }

  async #take(): Promise<void> {
    const { config } = this.#services;
    await this.#lookAtSchedule();
    while (!this.#isStopped && config().import.enabled && this.#turns.size < config().import.concurrency) {
      const claimed = await this.#claimOne();
      if (!claimed) return;
      this.#begin(claimed);
    }
  }

  async #lookAtSchedule(): Promise<void> {
    const { config, now } = this.#services;
    const { enabled, resync } = config().import;
    if (!enabled || resync !== 'daily' || this.#options.only !== undefined) return;
    if (Math.abs(now() - this.#lookedAtSchedule) < SCHEDULE_EVERY_MS) return;
    this.#lookedAtSchedule = now();
    await queueDaily(this.#services);
  }

  async #claimOne(): Promise<Import | undefined> {
    const { db, now } = this.#services;
    // Its own ones look as if nobody had them after a while without the database, or when the clock has leapt: the next
    // beat puts that right, and what they have done so far is not done again.
    const own = new Set([...this.#turns].map(({ row }) => row.id));
    for (const candidate of await listDueImports(db, now(), this.#options.only)) {
      if (own.has(candidate.id)) continue;
      const claimed = await claimImport(db, candidate, now());
      if (claimed) return claimed;
    }
    return undefined;
  }

  #begin(row: Import): void {
    const services = this.#services;
    const http = this.#http;
    const stop = new AbortController();
    const began = this.#steady();
    const turn: Turn = { row, began, movedAt: began, stop, isOver: false, ended: Promise.resolve() };
    turn.ended = takeTurn({
      services,
      accesses: this.#accesses,
      http,
      row,
      signal: stop.signal,
      isTurnOver: () => turn.isOver,
      pulse: () => void (turn.movedAt = this.#steady()),
    })
      .catch((error: unknown) => {
        // Its lease ends by itself, and then somebody goes on with it.
        services.log.warn({ err: error, import_id: row.id }, 'the end of a turn could not be written down');
      })
      .finally(() => this.#turns.delete(turn));
    this.#turns.add(turn);
  }

  /** Shows that its imports are worked on, asks whether to stop them, and ends those that do not move. Done by itself. */
  async beat(): Promise<void> {
    await Promise.all([...this.#turns].map((turn) => this.#renew(turn)));
    await this.#makeRoom();
  }

  async #renew(turn: Turn): Promise<void> {
    const { db, now, log } = this.#services;
    const { row, stop } = turn;
    if (this.#steady() - turn.movedAt > STUCK_MS) return this.#giveUp(turn);
    try {
      const orders = await renewLease(db, { importId: row.id, fence: row.fence }, now());
      const why = orderOf(orders) ?? (await findShutOut(this.#services, row.account_id));
      if (why) stop.abort(new TurnStopped(why));
    } catch (error) {
      if (error instanceof LeaseLost) stop.abort(new TurnStopped('lost'));
      else log.warn({ err: error, import_id: row.id }, 'a worker could not show that it lives; trying again');
    }
  }

  /** If it does not even hear that it has to stop, its lease ends all the same, and then somebody goes on without it. */
  #giveUp(turn: Turn): void {
    this.#services.log.warn({ import_id: turn.row.id }, 'an import does not move; it is begun again where it was');
    this.#turns.delete(turn);
    turn.stop.abort(new TurnStopped('stuck'));
  }

  /** An import of somebody who has others beside it, or has gone on for long, gives its place to people who have none. */
  async #makeRoom(): Promise<void> {
    const { db, now, config } = this.#services;
    const { turnMs = 60_000, only } = this.#options;
    if (only !== undefined || this.#turns.size < config().import.concurrency) return;
    const oldest = [...this.#turns].sort((a, b) => a.began - b.began).find(({ isOver }) => !isOver);
    if (!oldest || this.#steady() - oldest.began < turnMs) return;
    const due = await listDueImports(db, now()).catch(() => []);
    const busy = new Set([...this.#turns].map(({ row }) => row.account_id));
    if (due.some((row) => !busy.has(row.account_id))) oldest.isOver = true;
  }
}

function orderOf({ cancel, forgotten }: Orders): TurnStopped['why'] | undefined {
  if (cancel) return 'cancelled';
  return forgotten ? 'forgotten' : undefined;
}
