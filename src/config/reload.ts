// Keeps the running configuration up to date: SIGHUP or a change of the file loads it again. A broken file changes nothing.
import type { BigIntStats } from 'node:fs';
import { stat, statSync } from 'node:fs';
import { ConfigError } from './problems.ts';
import type { LoadedConfig } from './load.ts';
import { changedKeys, keepUntilRestart, restartKeys } from './restart.ts';
import type { Config } from './schema.ts';

export interface WatchOptions {
  /** What the program started with; its file is watched, or the place where one may appear. */
  initial: LoadedConfig;
  /** Loads again; throws when the configuration is broken. */
  load: () => LoadedConfig;
  /**
   * Told after a reload. Keys in `needRestart` have changed, but `loaded.config` keeps their running value.
   * @param changed the keys whose running value is another one now
   */
  onReload: (loaded: LoadedConfig, needRestart: string[], changed: string[]) => void;
  /** Told when loading failed; the running configuration stays. */
  onBroken: (error: unknown) => void;
  /** How often the file is looked at. */
  pollMs?: number;
}

/** What runs, and what has become of the last look at file and environment. */
export interface ConfigurationState {
  /** What runs. Its `sources` and `places` are those of the values that wait, too. */
  loaded: LoadedConfig;
  /** When it was loaded; milliseconds since the epoch. */
  at: number;
  /** Keys that have another value in file or environment, which waits for a restart. */
  needRestart: string[];
  /** Since then the configuration was found broken and not taken: one mistake a line, with its place. */
  broken?: { at: number; mistakes: string[]; fileGone: boolean };
}

/** Before the first reload, and where there is none. */
export function initialState(loaded: LoadedConfig, at = Date.now()): ConfigurationState {
  return { loaded, at, needRestart: [] };
}

export interface WatchedConfig {
  /** The configuration to use now; ask again for each request. */
  current: () => Config;
  state: () => ConfigurationState;
  reload: () => void;
  stop: () => void;
}

/** Starts watching; nothing here keeps the process alive. */
export function watchConfig({ initial, load, onReload, onBroken, pollMs = 1000 }: WatchOptions): WatchedConfig {
  const { path } = initial;
  let { file } = initial;
  let state = initialState(initial);
  let used = markNow(path);
  let seen = used;

  const reload = () => {
    used = seen = markNow(path); // before it is read: what comes in between is seen at the next look
    let loaded: LoadedConfig;
    try {
      loaded = load();
      if (file !== undefined && loaded.file === undefined) throw new FileGone(file);
    } catch (error) {
      const fileGone = error instanceof FileGone;
      state = { ...state, broken: { at: Date.now(), mistakes: mistakesOf(error), fileGone } };
      onBroken(error);
      return;
    }
    file = loaded.file;
    const before = state.loaded.config;
    const needRestart = restartKeys(before, loaded.config);
    const running = { ...loaded, config: keepUntilRestart(before, loaded.config) };
    state = { loaded: running, at: Date.now(), needRestart };
    onReload(running, needRestart, changedKeys(before, running.config));
  };

  // Polling, because editors replace the file instead of writing to it, and so do mounted volumes. A change is used when
  // the file has been the same for two looks, so that a half-written one is not.
  let looking: NodeJS.Timeout | undefined;
  let isStopped = false;
  // One look after the other: on a file system that hangs they would take all threads that read files.
  const lookLater = () => void (looking = setTimeout(look, pollMs).unref());
  const look = () =>
    stat(path, { bigint: true }, (_error, found) => {
      if (isStopped) return;
      lookLater();
      const mark = markOf(found);
      const isSettled = mark === seen;
      seen = mark;
      if (isSettled && mark !== used) reload();
    });
  lookLater();
  process.on('SIGHUP', reload);

  const stop = () => {
    isStopped = true;
    clearTimeout(looking);
    process.removeListener('SIGHUP', reload);
  };
  return { current: () => state.loaded.config, state: () => state, reload, stop };
}

/** The same for as long as nobody has written to the file or replaced it; another one where there is none. */
function markOf(found: BigIntStats | undefined): string {
  return found ? [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join() : '';
}

function markNow(path: string): string {
  try {
    return markOf(statSync(path, { bigint: true }));
  } catch {
    return '';
  }
}

/** Of a mistake in the configuration every line is fit to be shown; of a bug nobody knows. */
function mistakesOf(error: unknown): string[] {
  return error instanceof ConfigError ? String(error).split('\n') : ['it could not be read; the log says why'];
}

/**
 * Without its file a running server would fall back to defaults: that is an accident, not a wish. Only the file at the
 * usual place can be missing like that, and a start would do without it; one that was named has to be there to be loaded.
 */
class FileGone extends ConfigError {
  constructor(file: string) {
    super([{ where: file, key: '', message: 'expected the configuration file, got no such file' }]);
  }
}
