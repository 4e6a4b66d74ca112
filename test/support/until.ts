// Waiting for what has to happen, instead of for a time.
import { setTimeout } from 'node:timers/promises';

/** Far longer than anything takes, also on a machine with ten other things to do. Where all is well nobody waits for it. */
const MOST_MS = 60_000;
const EVERY_MS = 20;

/** Asks until the answer is yes. @throws when it does not come to that */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  { mostMs = MOST_MS }: { mostMs?: number } = {},
): Promise<void> {
  for (const end = performance.now() + mostMs; !(await isSo());) {
    if (performance.now() > end) throw new Error(`it did not come to that within ${mostMs} ms`);
    await setTimeout(EVERY_MS);
  }
}
