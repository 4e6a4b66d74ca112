// A working directory of its own for a test: files are written into it and configurations loaded from it.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ConfigError, loadConfig, readEnvironment, type LoadedConfig } from '../../src/config/load.ts';

const places: string[] = [];
afterAll(() => places.forEach((path) => rmSync(path, { recursive: true, force: true })));

export interface Place {
  cwd: string;
  /** Writes a file below the place, readable by its owner only unless told otherwise; gives its absolute path. */
  write: (path: string, content: string | Buffer, mode?: number) => string;
  load: (env?: NodeJS.ProcessEnv, file?: string) => LoadedConfig;
  /** The lines of the ConfigError that loading throws. */
  mistakes: (env?: NodeJS.ProcessEnv, file?: string) => string[];
}

/** Makes a place; `yaml` becomes its config/gatehouse.yml. It is removed after the tests of the file. */
export function makePlace(yaml?: string | Buffer): Place {
  const cwd = mkdtempSync(join(tmpdir(), 'gatehouse-config-'));
  places.push(cwd);
  const write = (path: string, content: string | Buffer, mode = 0o600) => {
    const absolute = join(cwd, path);
    mkdirSync(dirname(absolute), { recursive: true });
    writeFileSync(absolute, content);
    chmodSync(absolute, mode);
    return absolute;
  };
  const load = (env: NodeJS.ProcessEnv = {}, file?: string) =>
    loadConfig({ file, env: readEnvironment(cwd, env), cwd });
  const mistakes = (env: NodeJS.ProcessEnv = {}, file?: string) => {
    try {
      load(env, file);
    } catch (error) {
      if (error instanceof ConfigError) return String(error).split('\n');
      throw error;
    }
    return [];
  };
  if (yaml !== undefined) write('config/gatehouse.yml', yaml);
  return { cwd, write, load, mistakes };
}

/** A list of one good provider, closed to strangers, for the end of a file. */
export const PROVIDER = `omniauth:
  providers:
    - name: bitbucket
      app_id: QMTsUnWJZjMq
      app_secret: wdV8hxK3mPqL
      allowed_workspaces: [acme]
`;
