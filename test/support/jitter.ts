// Races, run many times with small random waits, so that the parts of two requests meet in many orders.
import { takeLeaksSoFar } from './leaks.ts';

/** How often a race is run in `npm test`; `RACES=1000` runs the same code a thousand times. */
const TIMES = Number(process.env['RACES'] ?? 3);

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32), so that a failure can be run again. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Race {
  /** Counts from 0. */
  round: number;
  /** Waits 0–50 ms, then does it. */
  late<T>(work: () => Promise<T>): Promise<T>;
  /** Does it this often at about the same time. */
  together<T>(count: number, work: () => Promise<T>): Promise<T[]>;
}

/** Runs a race again and again; a failure names the round, whose number is the seed. */
export async function race(run: (race: Race) => Promise<void>): Promise<void> {
  for (let round = 0; round < TIMES; round += 1) {
    const random = seeded(round);
    const late = async <T>(work: () => Promise<T>) => {
      // The first round has no waits: everything at once is the hardest order for some races.
      if (round > 0) await new Promise((resolve) => setTimeout(resolve, random() * 50));
      return work();
    };
    const together = <T>(count: number, work: () => Promise<T>) =>
      Promise.all(Array.from({ length: count }, () => late(work)));
    try {
      await run({ round, late, together });
    } catch (error) {
      throw new Error(`round ${round} of ${TIMES}: ${(error as Error).message}`, { cause: error });
    }
    if (round % 20 === 19) expect(takeLeaksSoFar()).toEqual([]); // or a thousand rounds would fill the memory
  }
}

/** Long enough for so many rounds. */
export const RACE_MS = 240_000 + TIMES * 2000;
