// Environment variables: the real ones over .env, and NAME_FILE for a value that lies in a file.
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { readDotenvLines } from './dotenv-lines.ts';
import { dotenvWarnings } from './dotenv-warnings.ts';
import { ConfigError, sentence, type ConfigProblem } from './problems.ts';
import { exposure, FileProblem, readTextFile, type TextFile } from './read-file.ts';

const MAX_DOTENV_BYTES = 256 * 1024;
const MAX_VALUE_BYTES = 64 * 1024;

interface Dotenv {
  file: TextFile;
  /** Where each name stands that the real environment does not have: `.env:3:1`. */
  places: ReadonlyMap<string, string>;
}

/** Remembers what an environment made by readEnvironment took from .env, so that complaints can name the place. */
const dotenvOf = new WeakMap<NodeJS.ProcessEnv, Dotenv>();

/** The real environment over `.env` of the working directory. Throws ConfigError when .env exists but cannot be read. */
export function readEnvironment(cwd: string, real: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  try {
    const file = readTextFile(resolve(cwd, '.env'), MAX_DOTENV_BYTES);
    const written = parse(file.text);
    const merged = { ...written, ...real };
    dotenvOf.set(merged, { file, places: placesIn(file.text, (name) => real[name] === undefined) });
    return merged;
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    if (error.absent) return { ...real };
    throw new ConfigError([{ where: '.env', key: '', message: error.message }]);
  }
}

/** Of a name that stands there twice the last one counts, as it does for dotenv. */
function placesIn(text: string, counts: (name: string) => boolean): Map<string, string> {
  const entries = readDotenvLines(text).entries.filter(({ name }) => counts(name));
  return new Map(entries.map(({ name, line, column }) => [name, `.env:${line}:${column}`]));
}

/** A value found in the environment. */
export interface Found {
  value: string;
  /** The variable it came from: NAME or NAME_FILE. */
  name: string;
  where: string;
}

/** Looks variables up; mistakes met on the way are collected in `problems`, dangers to secrets in `warnings`. */
export class Environment {
  readonly #env: NodeJS.ProcessEnv;
  readonly #cwd: string;
  readonly #dotenv: Dotenv | undefined;
  readonly #asked = new Set<string>();
  readonly problems: ConfigProblem[] = [];
  readonly warnings = new Set<string>();

  constructor(env: NodeJS.ProcessEnv, cwd: string) {
    this.#env = env;
    this.#cwd = cwd;
    this.#dotenv = dotenvOf.get(env);
  }

  /** The value of NAME or of the file NAME_FILE names; empty counts as unset. `key` is the setting it is for. */
  find(name: string, key: string, secret: boolean): Found | undefined {
    const direct = this.#env[name] || undefined;
    const fileName = `${name}_FILE`;
    this.#asked.add(name).add(fileName);
    const file = this.#env[fileName] || undefined;
    if (direct !== undefined && file !== undefined) {
      return this.#fail(name, key, sentence(`${name} or ${fileName}`, 'both'));
    }
    if (file !== undefined) return this.#findInFile(fileName, file, key, secret);
    if (direct === undefined) return undefined;
    if (secret && this.#dotenv?.places.has(name)) this.#warn('.env', this.#dotenv.file);
    return { value: direct, name, where: this.#where(name) };
  }

  /** What stands in .env and was not read; ask when everything has been looked up. */
  unread(): string[] {
    return this.#dotenv ? dotenvWarnings(this.#dotenv.file.text, (name) => this.#asked.has(name)) : [];
  }

  #findInFile(name: string, path: string, key: string, secret: boolean): Found | undefined {
    try {
      const file = readTextFile(resolve(this.#cwd, path), MAX_VALUE_BYTES);
      if (secret) this.#warn(path, file);
      const value = file.text.replace(/[\r\n]+$/, '');
      if (value === '') return this.#fail(name, key, sentence('a value in the file it names', 'an empty file'));
      return { value, name, where: this.#where(name) };
    } catch (error) {
      if (error instanceof FileProblem) return this.#fail(name, key, error.message);
      throw error;
    }
  }

  #where(name: string): string {
    return this.#dotenv?.places.get(name) ?? `environment variable ${name}`;
  }

  #fail(name: string, key: string, message: string): undefined {
    this.problems.push({ where: this.#where(name), key, message });
    return undefined;
  }

  #warn(name: string, file: TextFile): void {
    const warning = exposure(name, file);
    if (warning !== undefined) this.warnings.add(warning);
  }
}
