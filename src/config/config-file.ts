// The configuration file: which one, what it says, and whether it keeps its secrets.
import { isAbsolute, relative, resolve } from 'node:path';
import type { Environment } from './environment.ts';
import { expandReferences } from './interpolate.ts';
import { ConfigError, type Path } from './problems.ts';
import { exposure, FileProblem, readTextFile, type TextFile } from './read-file.ts';
import { isSecret } from './settings.ts';
import { readTree, type Tree } from './yaml-tree.ts';

const DEFAULT_FILE = 'config/gatehouse.yml';
const MAX_FILE_BYTES = 256 * 1024;

export interface ConfigFile {
  tree: Tree;
  /** The absolute path, also when there is no file (yet). */
  path: string;
  exists: boolean;
  /** Set when other users can read a secret in it. */
  warning?: string;
}

/** Reads the named file, which must exist, or the default one, which need not. Throws ConfigError when it is unreadable. */
export function readConfigFile(named: string | undefined, cwd: string, environment: Environment): ConfigFile {
  const path = resolve(cwd, named ?? DEFAULT_FILE);
  const name = shortName(path, cwd);
  const file = open(path, name, named !== undefined);
  let holdsSecret = false;
  const tree = readTree(file?.text ?? '', name, (text, at) => {
    const expanded = expandReferences(text, at, environment);
    if (expanded === undefined) holdsSecret ||= isLiteralSecret(text, at);
    return expanded;
  });
  if (file === undefined) return { tree, path, exists: false };
  const warning = holdsSecret ? exposure(name, file) : undefined;
  return { tree, path, exists: true, ...(warning !== undefined && { warning }) };
}

function open(path: string, name: string, mustExist: boolean): TextFile | undefined {
  try {
    return readTextFile(path, MAX_FILE_BYTES);
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    if (error.absent && !mustExist) return undefined;
    throw new ConfigError([{ where: `${name}:1:1`, key: '', message: error.message }]);
  }
}

/** A database address without user and password is no secret. */
function isLiteralSecret(text: string, path: Path): boolean {
  return text !== '' && isSecret(path) && (path[0] !== 'database_url' || text.includes('@'));
}

function shortName(path: string, cwd: string): string {
  const fromHere = relative(cwd, path);
  return fromHere.startsWith('..') || isAbsolute(fromHere) ? path : fromHere;
}
