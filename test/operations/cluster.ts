// A PostgreSQL server of a test's own, to be killed and to fail over.
import type { ChildProcess } from 'node:child_process';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from '../commands/run.ts';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';
import type { Need } from './needs.ts';
import { pathOfCommand } from './needs.ts';
import { wait } from './nodes.ts';

const run = promisify(execFile);
const DEBIAN = '/usr/lib/postgresql';
const BIN = findPrograms();

export const serverPrograms: Need = BIN === undefined ? "no initdb, PostgreSQL's server programs" : undefined;

/** Debian keeps them apart from the commands for everybody. */
function findPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(a) - Number(b)) : [];
  const folders = [join(pathOfCommand('initdb'), '..'), ...versions.map((version) => join(DEBIAN, version, 'bin'))];
  return folders
    .filter((dir) => ['initdb', 'postgres', 'pg_basebackup'].every((name) => existsSync(join(dir, name))))
    .at(-1);
}

export class Cluster {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
    closeAtEnd(() => this.end('SIGQUIT'));
  }

  static async make(): Promise<Cluster> {
    const folder = ownFolder();
    await run(join(BIN!, 'initdb'), ['-D', folder, '-A', 'trust', '-U', 'gatehouse', '--no-sync'], owner());
    return new Cluster(await freePort(), folder);
  }

  /** A copy that follows this one. From now on nothing is acknowledged before the copy has it. */
  async makeStandby(): Promise<Cluster> {
    const folder = ownFolder();
    const from = ['-h', this.host, '-p', String(this.port), '-U', 'gatehouse'];
    const args = ['-D', folder, '-R', '--checkpoint=fast', '--no-sync', ...from];
    await run(join(BIN!, 'pg_basebackup'), args, owner());
    const standby = new Cluster(await freePort(), folder);
    await standby.start();
    await this.query("alter system set synchronous_standby_names = '*'");
    await this.query('select pg_reload_conf()');
    return standby;
  }

  urlBy(port: number): string {
    return `postgres://gatehouse@${this.host}:${port}/postgres`;
  }

  /** Starts it and waits until it answers. After a kill that takes until what is left of the old one has ended. */
  async start(): Promise<void> {
    const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'];
    const args = ['-D', this.#folder, '-p', String(this.port), ...settings.flatMap((setting) => ['-c', setting])];
    const deadline = Date.now() + 60_000;
    for (;;) {
      if (this.#process?.exitCode !== null) {
        this.#process = spawn(join(BIN!, 'postgres'), args, { ...owner(), stdio: 'ignore' });
      }
      if (
        await this.query('select 1').then(
          () => true,
          () => false,
        )
      )
        return;
      if (Date.now() > deadline) throw new Error('PostgreSQL does not start');
      await wait(50);
    }
  }

  /** SIGKILL as it is; SIGQUIT as `pg_ctl stop -m immediate` sends it. */
  async end(signal: 'SIGKILL' | 'SIGQUIT'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async query(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.urlBy(this.port) });
    client.on('error', () => undefined);
    await client.connect();
    await client.query(sql).finally(() => client.end());
  }
}

/** PostgreSQL refuses to run as root; it has a user of its own. */
function owner(): { uid?: number; gid?: number; cwd: string } {
  if (process.getuid?.() !== 0) return { cwd: '/' };
  const number = (flag: string) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: number('-u'), gid: number('-g'), cwd: '/' };
}

function ownFolder(): string {
  const folder = makeDataDir();
  const { uid, gid } = owner();
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return folder;
}
