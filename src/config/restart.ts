// Which changes need a restart, and what runs until then.
import { deepFreeze } from './complete.ts';
import type { Config } from './schema.ts';
import { listSettings, valueOf, type Leaf } from './settings.ts';

/** The dotted keys that differ and take effect only after a restart. */
export function restartKeys(before: Config, after: Config): string[] {
  return differing(before, after)
    .filter(({ restart }) => restart)
    .map(({ key }) => key);
}

/** The dotted keys that differ; all that concerns providers is one. */
export function changedKeys(before: Config, after: Config): string[] {
  return differing(before, after).map(({ key }) => key);
}

/** Members of a provider have no path of their own, and differ with the list they are in. */
function differing(before: Config, after: Config): Leaf[] {
  return listSettings().filter(
    ({ path }) => JSON.stringify(valueOf(before, path)) !== JSON.stringify(valueOf(after, path)),
  );
}

/** `after` with the running values of the keys that need a restart. */
export function keepUntilRestart(before: Config, after: Config): Config {
  const merged = structuredClone(after);
  for (const key of restartKeys(before, after)) {
    const steps = key.split('.');
    const section = valueOf(merged, steps.slice(0, -1)) as Record<string, unknown>;
    const running = valueOf(before, steps);
    if (running === undefined) delete section[steps.at(-1) ?? ''];
    else section[steps.at(-1) ?? ''] = running;
  }
  return deepFreeze(merged);
}
