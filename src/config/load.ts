// From file and environment to the frozen configuration, or to all mistakes at once. Opens no port and no database.
import { checkedConfig } from './check.ts';
import { readConfigFile } from './config-file.ts';
import { Environment } from './environment.ts';
import { layEnvironmentOver } from './overlay.ts';
import { ConfigError, stepsOf } from './problems.ts';
import type { Config } from './schema.ts';
import { listSettings, valueOf } from './settings.ts';
import { configWarnings } from './warnings.ts';
import type { Tree } from './yaml-tree.ts';

export { readEnvironment } from './environment.ts';
export { ConfigError, type ConfigProblem } from './problems.ts';
export { restartKeys } from './restart.ts';

/** A configuration and how it came about. */
export interface LoadedConfig {
  /** Deeply frozen. */
  config: Config;
  /** One line each, for the log and check-config. */
  warnings: string[];
  /** The absolute path of the file in use; absent when there is none. */
  file?: string;
  /** The absolute path of the file in use, or of the one that would be used if it were there. */
  path: string;
  /** By dotted key: `default`, `file`, or the name of the environment variable. */
  sources: ReadonlyMap<string, string>;
  /** By dotted key (`omniauth.providers[0].url`) of what is written: `config/gatehouse.yml:12:5`, `environment variable PORT`. */
  places: ReadonlyMap<string, string>;
}

export interface LoadOptions {
  /** The file the administrator named; it must exist. */
  file?: string | undefined;
  /** What readEnvironment gave. */
  env: NodeJS.ProcessEnv;
  /** Where relative paths start. */
  cwd: string;
}

/** Loads the configuration: defaults < file < environment. Throws ConfigError with every mistake. */
export function loadConfig({ file, env, cwd }: LoadOptions): LoadedConfig {
  const environment = new Environment(env, cwd);
  const { tree, path, exists, warning } = readConfigFile(
    file ?? (env['GATEHOUSE_CONFIG'] || undefined),
    cwd,
    environment,
  );
  const sources = sourcesIn(tree.value);
  for (const [key, name] of layEnvironmentOver(tree, environment)) sources.set(key, name);
  const warnings = [...(warning === undefined ? [] : [warning]), ...environment.warnings, ...environment.unread()];
  const config = checked(tree, environment, { cwd, warnings });
  return {
    config,
    warnings: [...warnings, ...configWarnings(config)],
    path,
    ...(exists && { file: path }),
    sources,
    places: writtenPlaces(tree),
  };
}

/** With mistakes the warnings go along: who mends the one wants to know of the other. */
function checked(
  tree: Tree,
  { problems }: Environment,
  { cwd, warnings }: { cwd: string; warnings: string[] },
): Config {
  try {
    return checkedConfig(tree, problems, cwd);
  } catch (error) {
    if (error instanceof ConfigError) error.warnings.unshift(...warnings);
    throw error;
  }
}

/** A key without a value counts as not written. */
function writtenPlaces({ value, places }: Tree): Map<string, string> {
  return new Map([...places].filter(([key]) => key !== '' && valueOf(value, stepsOf(key)) !== undefined));
}

/** Where the settings come from before the environment is laid over them; providers count as one setting. */
function sourcesIn(written: Record<string, unknown>): Map<string, string> {
  const settings = listSettings().filter(({ key }) => !key.includes('[]'));
  return new Map(settings.map(({ key, path }) => [key, valueOf(written, path) === undefined ? 'default' : 'file']));
}
