// How long to wait before Bitbucket is asked the same again. Pure decisions: time and chance are arguments.
import type { BitbucketFailure } from './failure.ts';
import type { HttpReply } from './http.ts';
import { headerOf } from './http-body.ts';

/** What decides: why the call failed, and what Bitbucket said about coming back. */
export type Trouble = Pick<BitbucketFailure, 'reason' | 'remoteStatus' | 'retryAfterSeconds' | 'permanent'>;

/** A call is repeated so often at once; then whoever asked gives its place to others and comes back later. */
const MOST_RETRIES = 5;
/** What Bitbucket has removed for good answers 410, and so does what it takes away for an hour, to warn. */
const FEW_RETRIES = 2;
const FIRST_WAIT_MS = 1000;
/** Longer than that nobody sits and waits: others get the turn. */
const LONGEST_PAUSE_MS = 10_000;
/** All pauses of one call together. */
const LONGEST_PAUSES_MS = 45_000;

/**
 * @param random from 0 to 1, so that those who failed together do not come back together
 * @returns milliseconds to pause before the call is repeated; undefined = not at once, or never
 */
export function pauseBeforeRetry(
  trouble: Trouble,
  { retries, pausedMs, random }: { retries: number; pausedMs: number; random: number },
): number | undefined {
  if (retries >= mostRetries(trouble)) return undefined;
  const told = (trouble.retryAfterSeconds ?? 0) * 1000;
  if (told > LONGEST_PAUSE_MS) return undefined;
  const pause = told > 0 ? told * (1 + random / 10) : FIRST_WAIT_MS * 2 ** retries * (0.5 + random / 2);
  return pausedMs + pause > LONGEST_PAUSES_MS ? undefined : Math.round(pause);
}

function mostRetries(trouble: Trouble): number {
  if (!mayPass(trouble)) return 0;
  // 555: a diff took too long to make. Asked five times, it takes five times as long.
  return trouble.remoteStatus === 410 || trouble.remoteStatus === 555 ? FEW_RETRIES : MOST_RETRIES;
}

/** Whether the same call may succeed another time, without anybody doing anything. */
export function mayPass({ reason, remoteStatus: status, permanent }: Trouble): boolean {
  if (reason === 'timeout' || reason === 'throttled') return true;
  if (reason !== 'failed' || permanent) return false;
  // Without a status: unreachable or cut off. With 200: cut short, or a page of somebody in between.
  return status === undefined || status === 200 || status === 408 || status === 410 || status >= 500;
}

const FIRST_DELAY_MS = 15_000;
const LONGEST_DELAY_MS = 15 * 60_000;
/** Bitbucket's limits are by the hour. */
const LONGEST_TOLD_MS = 3600_000;
/** If nothing at all succeeded in so long a time, a person has to look. */
const LONGEST_SUM_MS = 24 * 3600_000;

/**
 * When to come back after everything at once was in vain.
 * @param tries how often that happened without anything succeeding in between
 * @param waitedMs how long was waited for that, all together
 * @returns milliseconds from now; undefined = give up
 */
export function delayBeforeReturn(
  trouble: Trouble,
  { tries, waitedMs, random }: { tries: number; waitedMs: number; random: number },
): number | undefined {
  if (!mayPass(trouble) || waitedMs >= LONGEST_SUM_MS) return undefined;
  // Said to be gone for good, and still so after some hours of it: no brown-out.
  if (trouble.remoteStatus === 410 && tries >= 8) return undefined;
  const told = Math.min((trouble.retryAfterSeconds ?? 0) * 1000, LONGEST_TOLD_MS);
  const delay = told > 0 ? told + random * Math.min(told / 10, 30_000) : grown(tries) * (0.75 + random / 4);
  return Math.round(delay);
}

function grown(tries: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(tries, 20), LONGEST_DELAY_MS);
}

/** How much may still be asked, as far as an answer says so. */
export interface RateState {
  remaining: number;
  /** Seconds until there is more again. */
  resetSeconds: number;
}

/**
 * What `X-RateLimit-Remaining` and `-Reset` say. Reset counts seconds, it is no moment of time; more than an hour makes
 * no sense. @see https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/
 */
export function rateStateOf(reply: HttpReply): RateState | undefined {
  const [remaining, reset] = ['x-ratelimit-remaining', 'x-ratelimit-reset'].map((name) => headerOf(reply, name) ?? '');
  if (!remaining || !reset || !/^\d{1,15}$/.test(remaining) || !/^\d{1,15}$/.test(reset)) return undefined;
  return { remaining: Number(remaining), resetSeconds: Math.min(Number(reset), LONGEST_TOLD_MS / 1000) };
}
