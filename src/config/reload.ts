// Keeps the running configuration up to date: SIGHUP or a change of the file loads it again. A broken file changes nothing.
import { unwatchFile, watchFile } from 'node:fs';
import { ConfigError } from './problems.ts';
import type { LoadedConfig } from './load.ts';
import { keepUntilRestart, restartKeys } from './restart.ts';
import type { Config } from './schema.ts';

export interface WatchOptions {
  /** What the program started with; its file is watched, or the place where one may appear. */
  initial: LoadedConfig;
  /** Loads again; throws when the configuration is broken. */
  load: () => LoadedConfig;
  /** Told after a reload. Keys in `needRestart` have changed, but `loaded.config` keeps their running value. */
  onReload: (loaded: LoadedConfig, needRestart: string[]) => void;
  /** Told when loading failed; the running configuration stays. */
  onBroken: (error: unknown) => void;
  /** How often the file is looked at. */
  pollMs?: number;
}

export interface WatchedConfig {
  /** The configuration to use now; ask again for each request. */
  current: () => Config;
  reload: () => void;
  stop: () => void;
}

/** Starts watching; nothing here keeps the process alive. */
export function watchConfig({ initial, load, onReload, onBroken, pollMs = 1000 }: WatchOptions): WatchedConfig {
  const { path } = initial;
  let { file } = initial;
  let running = initial.config;

  const reload = () => {
    let loaded: LoadedConfig;
    try {
      loaded = load();
      if (file !== undefined && loaded.file === undefined) throw gone(file);
    } catch (error) {
      onBroken(error);
      return;
    }
    file = loaded.file;
    const needRestart = restartKeys(running, loaded.config);
    running = keepUntilRestart(running, loaded.config);
    onReload({ ...loaded, config: running }, needRestart);
  };

  // Polling, because editors replace the file instead of writing to it, and so do mounted volumes. A change is used when
  // the file has been the same for two looks, so that a half-written one is not.
  let settling: NodeJS.Timeout | undefined;
  const changed = (now: { nlink: number }) => {
    clearTimeout(settling);
    if (now.nlink > 0) settling = setTimeout(reload, pollMs * 1.5).unref();
  };
  watchFile(path, { interval: pollMs, persistent: false }, changed);
  process.on('SIGHUP', reload);

  const stop = () => {
    clearTimeout(settling);
    process.removeListener('SIGHUP', reload);
    unwatchFile(path, changed);
  };
  return { current: () => running, reload, stop };
}

/** Without its file a running server would fall back to defaults: that is an accident, not a wish. */
function gone(file: string): ConfigError {
  return new ConfigError([{ where: file, key: '', message: 'expected the configuration file, got no such file' }]);
}
