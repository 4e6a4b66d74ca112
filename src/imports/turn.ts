// One turn of an import: opened with its project and access, run, and ended in a way that the next turn can go on from.
import { TokensLost } from '../accounts/provider-tokens.ts';
import { findAccount } from '../accounts/store.ts';
import { isImportSource, isShutOut } from '../accounts/ways-in.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import type { Http } from '../bitbucket/http.ts';
import type { RateState } from '../bitbucket/wait.ts';
import { delayBeforeReturn } from '../bitbucket/wait.ts';
import type { Import } from '../db/import-tables.ts';
import { diskFailureOf, GitFailure } from '../git/failure.ts';
import type { Services } from '../services.ts';
import type { Accesses } from './access.ts';
import { clientWith } from './access.ts';
import { findWait, saveWait } from './credential-waits.ts';
import { recordEnd } from './ended.ts';
import { listFailedNames } from './failures.ts';
import { ImportFailed, Job, TurnOver } from './job.ts';
import { writeLine } from './journal.ts';
import { runImport } from './run.ts';
import type { TurnEnd } from './leases.ts';
import { endTurn, LeaseLost } from './leases.ts';
import { ACTIVE, CANCELLED } from './store.ts';
import { GIT_REASONS, reasonOf } from './words.ts';

/** Why a turn is ended from outside, as the reason of its signal. */
export class TurnStopped extends Error {
  readonly why: 'cancelled' | 'blocked' | 'left' | 'forgotten' | 'leaving' | 'lost' | 'stuck';

  constructor(why: TurnStopped['why']) {
    super(`the turn was stopped: ${why}`);
    this.why = why;
  }
}

/** It cannot go on now; the words are for the person. */
class HasToWait extends Error {
  readonly until: number;

  constructor(until: number, words: string) {
    super(words);
    this.until = until;
  }
}

/** Why nothing goes on for an account any more, as its sessions and access tokens do not; undefined when it may. */
export async function findShutOut(services: Services, accountId: number): Promise<'blocked' | 'left' | undefined> {
  const account = await findAccount(services.db, accountId);
  if (account?.state !== 'active') return 'blocked';
  return (await isShutOut(services, account)) ? 'left' : undefined;
}

export interface TurnOptions {
  services: Services;
  accesses: Accesses;
  /** With limits that fit whole pages and diffs. */
  http: Http;
  row: Import;
  signal: AbortSignal;
  isTurnOver: () => boolean;
  pulse: () => void;
}

const SWITCHED_OFF_MS = 60_000;

/** Works on a claimed import until it is complete, has to wait, or is stopped. Rejects when its end cannot be written down. */
export async function takeTurn(options: TurnOptions): Promise<void> {
  const { services, row, signal } = options;
  let job: Job | undefined;
  let end: TurnEnd | undefined;
  try {
    const opened = (job = await openJob(options));
    // What only reads does not wait for the database by itself; to go through all of it again costs a look at each stage.
    end = await opened.patiently(() => runImport(opened));
  } catch (error) {
    const cause = causeOf(error, signal);
    if (services.database.dialect.isUnavailable(cause)) throw cause;
    end = await endOf(options, cause, inVain(row, job));
  }
  if (end) await writeEnd(options, end, job?.calls ?? 0);
}

/** All of it or nothing: the person is told of each end, and of none that did not come about. */
async function writeEnd({ services, row }: TurnOptions, end: TurnEnd, calls: number): Promise<void> {
  const { db, now } = services;
  await db.transaction().execute(async (trx) => {
    const ended = await endTurn(trx, { importId: row.id, fence: row.fence }, { end, calls, now: now() });
    if (!ended) return;
    const { reason, status } = ended;
    if (reason != null) await writeLine(trx, row.id, reason, now());
    if (!ACTIVE.includes(status)) await recordEnd(services, trx, { row, status });
  });
}

/** What a stopped turn stumbles over on its way out is not why it ends. */
function causeOf(error: unknown, { aborted, reason }: AbortSignal): unknown {
  return aborted && reason instanceof TurnStopped ? reason : error;
}

/** How often and how long nothing succeeded until now: bringing something ends that. */
interface InVain {
  tries: number;
  waitedMs: number;
}

function inVain(row: Import, job: Job | undefined): InVain {
  return job?.hasProgressed ? { tries: 0, waitedMs: 0 } : { tries: row.tries, waitedMs: row.waited_ms };
}

async function openJob(options: TurnOptions): Promise<Job> {
  const { services, accesses, http, row, signal, isTurnOver, pulse } = options;
  const { db, now } = services;
  const project = await db.selectFrom('projects').selectAll().where('id', '=', row.project_id).executeTakeFirst();
  if (!project) throw new LeaseLost();
  const shut = await findShutOut(services, row.account_id);
  if (shut) throw new TurnStopped(shut);
  if (!isImportSource(project.source_provider, services.config(), await services.settings.current()))
    throw new HasToWait(now() + SWITCHED_OFF_MS, 'Importing is switched off here at the moment.');
  const access = await accesses.open(row.credential_id);
  const { id: credentialId, account_id: owner, provider } = access.credential;
  // Nobody acts with what another person has given, and nobody's token goes to another provider than its own.
  if (owner !== row.account_id || provider !== project.source_provider) throw new TokensLost();
  const beforeCall = async () => {
    const until = await findWait(db, credentialId, now());
    if (until !== undefined) throw new HasToWait(until, 'Bitbucket takes no more requests for now.');
  };
  let spent: Promise<void> = Promise.resolve();
  const onAnswer = (rate: RateState | undefined) => {
    job.calls += 1;
    pulse();
    // The last call of this hour was answered; the next one would not be.
    if (rate?.remaining !== 0 || rate.resetSeconds === 0) return;
    spent = pause(services, credentialId, rate.resetSeconds * 1000).catch(() => undefined);
  };
  const client = clientWith(access, { http, signal, onAnswer, beforeCall: () => spent.then(beforeCall) });
  const failed = new Set(await listFailedNames(db, row.id));
  const job = new Job({ services, row, project, access, client, http, signal, failed, isTurnOver, pulse });
  return job;
}

async function pause({ db, now }: Services, credentialId: number, ms: number): Promise<void> {
  await saveWait(db, credentialId, { until: now() + ms, now: now() });
}

/** @returns undefined when somebody else works on the import: then there is nothing to say */
async function endOf({ services, row }: TurnOptions, error: unknown, before: InVain): Promise<TurnEnd | undefined> {
  const { now, log } = services;
  if (error instanceof LeaseLost) return undefined;
  if (error instanceof TurnOver) return { status: 'queued' };
  if (error instanceof TurnStopped) return stopped(error, before, now());
  if (error instanceof ImportFailed) return { status: 'failed', reason: error.message };
  if (error instanceof HasToWait) return waiting(error.until, error.message);
  if (error instanceof TokensLost) return { status: 'waiting', waiting_until: null, reason: RECONNECT };
  if (error instanceof BitbucketFailure) return afterBitbucket(services, row, { error, before });
  const git = error instanceof GitFailure ? error : diskFailureOf(error);
  if (git) return afterGit(git, before, now());
  log.error({ err: error, import_id: row.id }, 'an import stopped by a bug');
  return afterFault(FAULT, before, now());
}

function afterFault(reason: string, before: InVain, now: number): TurnEnd {
  if (before.tries >= FEW_TRIES) return { status: 'failed', reason };
  return later(before, FAULT_PAUSE_MS, { now, reason });
}

const FAULT = 'A fault of this server stopped it; the log has the details. It can be tried again.';

const STUCK = 'Nothing moved for ten minutes.';

const RECONNECT =
  'Bitbucket does not let this server in any more. Allow importing again, or enter another token, and it goes on.';

const LEFT =
  'Its owner is in no admitted workspace at Bitbucket any more. After the next sign-in as a member it can go on.';

function stopped({ why }: TurnStopped, before: InVain, now: number): TurnEnd | undefined {
  if (why === 'lost') return undefined;
  if (why === 'stuck') return afterFault(STUCK, before, now);
  if (why === 'leaving') return { status: 'queued' };
  if (why === 'blocked') return { status: 'cancelled', reason: 'The account may not import any more.' };
  if (why === 'left') return { status: 'cancelled', reason: LEFT };
  if (why === 'forgotten') return { status: 'waiting', waiting_until: null, reason: RECONNECT };
  return { status: 'cancelled', reason: CANCELLED };
}

function waiting(until: number, reason: string): TurnEnd {
  return { status: 'waiting', waiting_until: until, reason };
}

async function afterBitbucket(
  services: Services,
  row: Import,
  { error, before }: { error: BitbucketFailure; before: InVain },
): Promise<TurnEnd> {
  const { now, log } = services;
  log.info({ err: error, import_id: row.id }, 'an import waits or fails by what Bitbucket answered');
  const ms = delayBeforeReturn(error, { ...before, random: Math.random() });
  if (ms === undefined) return { status: 'failed', reason: reasonOf(error) };
  if (error.reason === 'throttled' && row.credential_id !== null) await pause(services, row.credential_id, ms);
  return later(before, ms, { now: now(), reason: reasonOf(error) });
}

/** What nobody foresaw may have been a moment's trouble; after so many tries without any progress it is none. */
const FEW_TRIES = 3;
const FAULT_PAUSE_MS = 2000;

const PASSING = new Set<GitFailure['reason']>(['network', 'timeout', 'disk_full', 'read_only']);

function afterGit(error: GitFailure, before: InVain, now: number): TurnEnd {
  const reason = GIT_REASONS[error.reason];
  const mayPass = PASSING.has(error.reason) || (error.reason === 'failed' && before.tries < FEW_TRIES);
  if (!mayPass) return { status: 'failed', reason };
  const trouble = {
    reason: 'timeout',
    remoteStatus: undefined,
    retryAfterSeconds: undefined,
    permanent: false,
  } as const;
  const ms = delayBeforeReturn(trouble, { ...before, random: Math.random() });
  return ms === undefined ? { status: 'failed', reason } : later(before, ms, { now, reason });
}

function later({ tries, waitedMs }: InVain, ms: number, { now, reason }: { now: number; reason: string }): TurnEnd {
  return { ...waiting(now + ms, reason), tries: tries + 1, waited_ms: waitedMs + ms };
}
