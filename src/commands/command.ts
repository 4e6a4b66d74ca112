// What every command gets, and how one ends with a plain line instead of a stack.
import { readEnvironment, type LoadedConfig, loadConfig } from '../config/load.ts';

export interface CommandContext {
  /** Words and options after the command's name. */
  args: string[];
  /** Of `admin create`. */
  options?: { email?: string; admin: boolean };
  /** Of `import`: for whom, and where to. */
  target?: { as: string | undefined; namespace: string | undefined; name: string | undefined };
  /** Of `serve`: whether it works on imports, too. */
  withJobs?: boolean;
  configFile: string | undefined;
  /** The real environment, without .env. */
  env: NodeJS.ProcessEnv;
  cwd: string;
  out(line: string): void;
}

/** Exit code: 0 good, 1 the thing asked about is not good, 2 wrong usage; undefined = goes on until stopped. */
export type Command = (context: CommandContext) => Promise<number | undefined>;

/** Ends a command: one line and a next step on stderr. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** @throws ConfigError with every mistake */
export function loadConfiguration({ configFile, env, cwd }: CommandContext): LoadedConfig {
  return loadConfig({ file: configFile, env: readEnvironment(cwd, env), cwd });
}
