// How long to wait before Bitbucket is asked again: decisions without a clock.
import type { Trouble } from '../../src/bitbucket/wait.ts';
import { delayBeforeReturn, pauseBeforeRetry, rateStateOf } from '../../src/bitbucket/wait.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function trouble(change: Partial<Trouble>): Trouble {
  return { reason: 'failed', remoteStatus: 503, retryAfterSeconds: undefined, permanent: false, ...change };
}

const pauses = (what: Trouble, random: number): number[] => {
  const all: number[] = [];
  for (let pausedMs = 0; all.length < 20;) {
    const ms = pauseBeforeRetry(what, { retries: all.length, pausedMs, random });
    if (ms === undefined) return all;
    all.push(ms);
    pausedMs += ms;
  }
  return all;
};

test('a call that fails for the moment is repeated at most five times, each time later, all within a minute (IR-012)', () => {
  expect(pauses(trouble({}), 1)).toEqual([1000, 2000, 4000, 8000, 16_000]);
  expect(pauses(trouble({}), 0)).toEqual([500, 1000, 2000, 4000, 8000]);
});

test.each<[string, Partial<Trouble>, number]>([
  ['no answer', { remoteStatus: undefined }, 5],
  ['too slow', { reason: 'timeout', remoteStatus: undefined }, 5],
  ['an answer that cannot be read', { remoteStatus: 200 }, 5],
  ['request time-out', { remoteStatus: 408 }, 5],
  ['too many requests, without a word when to come back (IR-011)', { reason: 'throttled', remoteStatus: 429 }, 5],
  ['a diff that took too long to make', { remoteStatus: 555 }, 2],
  ['gone, which may be a brown-out (IR-013)', { remoteStatus: 410 }, 2],
  ['not found', { remoteStatus: 404 }, 0],
  ['forbidden', { remoteStatus: 403 }, 0],
  ['a permission is missing', { reason: 'missing_scope', remoteStatus: 403 }, 0],
  ['larger than we take', { remoteStatus: undefined, permanent: true }, 0],
])('%s is asked again as often as it makes sense', (_, change, times) => {
  expect(pauses(trouble(change), 0.5)).toHaveLength(times);
});

test('when Bitbucket says when to come back, it is that and a little more (IR-010)', () => {
  expect(pauses(trouble({ reason: 'throttled', remoteStatus: 429, retryAfterSeconds: 3 }), 0.5)[0]).toBe(3150);
});

test('nobody sits and waits for long: whoever is told to wait for minutes comes back later (IR-010)', () => {
  const told = trouble({ reason: 'throttled', remoteStatus: 429, retryAfterSeconds: 879 });
  expect(pauses(told, 0)).toEqual([]);
  expect(delayBeforeReturn(told, { tries: 0, waitedMs: 0, random: 0 })).toBe(879_000);
  expect(delayBeforeReturn(told, { tries: 0, waitedMs: 0, random: 1 })).toBe(909_000);
});

test('without a word, coming back takes from seconds to a quarter of an hour (IR-011)', () => {
  const delays = Array.from({ length: 10 }, (_, tries) =>
    delayBeforeReturn(trouble({}), { tries, waitedMs: 0, random: 1 }),
  );
  expect(delays.slice(0, 4)).toEqual([15_000, 30_000, 60_000, 120_000]);
  expect(delays.slice(6)).toEqual([900_000, 900_000, 900_000, 900_000]);
});

test('no single wait is longer than an hour, whatever an answer says (IR-011)', () => {
  const wait = delayBeforeReturn(trouble({ retryAfterSeconds: 1e9 }), { tries: 0, waitedMs: 0, random: 1 });
  expect(wait).toBeLessThanOrEqual(HOUR + 30_000);
});

test('after a day in vain it gives up, and after eight returns to a removed address', () => {
  const at = (change: Partial<Trouble>, tries: number, waitedMs: number) =>
    delayBeforeReturn(trouble(change), { tries, waitedMs, random: 0 });
  expect(at({}, 50, 24 * HOUR - 1)).toBe(675_000);
  expect(at({}, 50, 24 * HOUR)).toBeUndefined();
  expect(at({ remoteStatus: 410 }, 7, HOUR)).toBeDefined();
  expect(at({ remoteStatus: 410 }, 8, HOUR)).toBeUndefined();
  expect(at({ remoteStatus: 404 }, 0, 0)).toBeUndefined();
});

test('what is left of the hour is read from the headers; Reset counts seconds', () => {
  const reply = (headers: Record<string, string>) => ({ endpoint: 'user', status: 200, headers, text: '' }) as const;
  expect(rateStateOf(reply({ 'x-ratelimit-remaining': '52', 'x-ratelimit-reset': '879' }))).toEqual({
    remaining: 52,
    resetSeconds: 879,
  });
  expect(rateStateOf(reply({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1779879000' }))).toEqual({
    remaining: 0,
    resetSeconds: 3600,
  });
  expect(rateStateOf(reply({ 'x-ratelimit-remaining': 'many', 'x-ratelimit-reset': '1' }))).toBeUndefined();
  expect(rateStateOf(reply({ 'x-ratelimit-nearlimit': 'true' }))).toBeUndefined();
});
