// Which changes need a restart, and what runs until then.
import { deepFreeze } from './complete.ts';
import type { Config } from './schema.ts';
import { listSettings, valueOf } from './settings.ts';

/** The dotted keys that differ and take effect only after a restart. */
export function restartKeys(before: Config, after: Config): string[] {
  return listSettings()
    .filter(
      ({ restart, path }) => restart && JSON.stringify(valueOf(before, path)) !== JSON.stringify(valueOf(after, path)),
    )
    .map(({ key }) => key);
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
