// The ways the far end can fail, and the list of those that are set.
import { IMPORT_ROUTES, type RouteName } from './route-names.ts';

/** Faults that change what is said. Parts an `answer` leaves out stay those of the real answer. */
export type ReshapingFault =
  /** `json`, `text` or `bytes` replaces the body; the request then does nothing: no code is used up, no token made. */
  | { kind: 'answer'; status?: number; headers?: Record<string, string>; json?: unknown; text?: string; bytes?: Buffer }
  /** Keys put into the real JSON answer; `undefined` takes one out. */
  | { kind: 'change'; json: Record<string, unknown> }
  /** The real JSON answer without what lies at these paths, in the words of `fields`: `values.reviewers`. */
  | { kind: 'without'; paths: readonly string[] }
  /** A redirect that still has the real body. */
  | { kind: 'redirect'; to: string; status?: number }
  /** The real answer with a key `padding` of so many bytes. */
  | { kind: 'pad'; bytes: number }
  /** Arrays within arrays. */
  | { kind: 'deepJson'; depth: number }
  /** The real body as text/html. */
  | { kind: 'html' }
  /** The real JSON answer as application/x-www-form-urlencoded. */
  | { kind: 'form' }
  | { kind: 'utf16le' }
  /** A byte 0xFF at the start of the display name, or of the first text value. */
  | { kind: 'invalidUtf8' };

/** Faults of the connection, while the real answer is being sent. */
export type SendingFault =
  | { kind: 'stall'; at: 'headers' | 'body' }
  /** Content-Length is larger than the body, then the connection ends. */
  | { kind: 'truncate'; missingBytes?: number }
  | { kind: 'drip'; bytes: number; everyMs: number }
  /** Two writes with a pause inside the first character of more than one byte. */
  | { kind: 'splitMultibyte'; pauseMs?: number }
  /** Valid gzip that inflates to the real body and blanks, `bytes` in all. */
  | { kind: 'gzipBomb'; bytes: number }
  | { kind: 'hugeHeaders'; bytes: number }
  /** So many interim 100 answers before the real one. */
  | { kind: 'interimFlood'; count: number };

/** Faults before the request is looked at. */
export type EarlyFault =
  | { kind: 'delay'; ms: number }
  | { kind: 'stall'; at: 'accept' }
  /** The connection ends in good order, without an answer. */
  | { kind: 'hangUp' }
  /** The connection is reset. */
  | { kind: 'reset' };

export type Fault = (ReshapingFault | SendingFault | EarlyFault) & {
  /** Strikes so often, then never again. Default: every time. */
  times?: number;
  /** Lets so many requests pass first. Default 0. */
  after?: number;
};

/**
 * Where a fault strikes: a route, or all of them. Answers of `git` are long and written piece by piece: there only early
 * faults, `truncate` and answers that bring their own body have an effect.
 */
export type FaultTarget = RouteName | 'any';

/** Faults by chance: the same seed gives the same sequence. */
export interface RandomFaults {
  /** Of all requests to these routes. */
  percent: number;
  seed: number;
  /** Defaults to what an import calls, besides git. */
  routes?: readonly RouteName[];
}

/** What may happen to any server now and then, and what a client should get over by trying again. */
const BY_CHANCE: readonly Fault[] = [
  { kind: 'answer', status: 500, json: { type: 'error', error: { message: 'Something went wrong' } } },
  { kind: 'answer', status: 502, headers: { 'Content-Type': 'text/html' }, text: '<html>Bad Gateway</html>' },
  { kind: 'answer', status: 503, headers: { 'Content-Type': 'text/html' }, text: '<html>Service Unavailable</html>' },
  { kind: 'reset' },
  { kind: 'hangUp' },
  { kind: 'truncate' },
  { kind: 'answer', text: '{"values": [{"id": 1, ' },
];

export class FaultList {
  #random: (RandomFaults & { next: () => number }) | undefined;
  #set: { target: FaultTarget; fault: Fault; passed: number; struck: number }[] = [];

  add(target: FaultTarget, fault: Fault): void {
    this.#set.push({ target, fault, passed: 0, struck: 0 });
  }

  /** From now on faults strike by chance as well, after those that were set. */
  addRandom(random: RandomFaults): void {
    this.#random = { ...random, next: numbersFrom(random.seed) };
  }

  clear(): void {
    this.#set = [];
    this.#random = undefined;
  }

  /** The fault for one request: of those set for the route the oldest that is not used up. Counts it. */
  strike(route: RouteName): Fault | undefined {
    for (const entry of this.#set) {
      if (entry.target !== route && entry.target !== 'any') continue;
      if (entry.struck >= (entry.fault.times ?? Infinity)) continue;
      if (entry.passed < (entry.fault.after ?? 0)) {
        entry.passed += 1;
        continue;
      }
      entry.struck += 1;
      return entry.fault;
    }
    return this.#strikeByChance(route);
  }

  #strikeByChance(route: RouteName): Fault | undefined {
    const random = this.#random;
    const routes: readonly RouteName[] = random?.routes ?? IMPORT_ROUTES;
    if (!random || !routes.includes(route)) return undefined;
    if (random.next() * 100 >= random.percent) return undefined;
    return BY_CHANCE[Math.floor(random.next() * BY_CHANCE.length)];
  }
}

/** Numbers from 0 to 1 that look random (mulberry32). */
export function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
