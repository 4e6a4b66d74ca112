// The machine and what stands in front of it: database, disk, git, the address and its certificate.
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import type { Config } from '../config/schema.ts';
import { checkWritable } from '../db/migrate.ts';
import { migrations } from '../db/migrations/index.ts';
import type { OpenDatabase } from '../db/open.ts';
import type { Finding } from './findings.ts';

const MIN_FREE_BYTES = 500 * 1024 * 1024;
const DAY_MS = 86_400_000;
const MIN_CERTIFICATE_DAYS = 14;
const TLS_MS = 3000;
const GIT_MS = 3000;
/** What importing is tested with. */
const MIN_GIT = '2.39';

/** Looks without changing anything. @param looksOver files up to that size are looked over for damage */
export async function checkDatabase({ db, dialect, version }: OpenDatabase, looksOver?: number): Promise<Finding> {
  const about = 'database';
  try {
    const damage = await dialect.findDamage(db, looksOver);
    if (damage !== undefined) {
      return { state: 'failed', about, words: `is damaged: ${damage}`, next: 'restore the backup: docs/operations.md' };
    }
    const found = await version();
    if (found > migrations.length) {
      const words = `has version ${found}, this Gatehouse knows ${migrations.length}`;
      return { state: 'failed', about, words, next: 'start the newer Gatehouse again, or restore a backup' };
    }
    if (found > 0) await checkWritable(db);
    if (found === migrations.length) return { state: 'ok', about, words: 'answers' };
    if (dialect.upgradesAtStart) return { state: 'ok', about, words: 'answers; the next start upgrades it' };
    const words = `has version ${found}, this Gatehouse needs ${migrations.length}`;
    return { state: 'failed', about, words, next: 'run: npx gatehouse migrate' };
  } catch (error) {
    const words = (error as Error).message;
    return { state: 'failed', about, words, next: 'check database_url, data_dir and their permissions' };
  }
}

export function checkDisk(dataDir: string): Finding {
  const about = 'disk';
  let folder = dataDir;
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    const words = `${folder} is not writable`;
    return { state: 'failed', about, words, next: 'give it to the user Gatehouse runs as' };
  }
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const words = `${(free / 1024 ** 3).toFixed(1)} GiB free at ${folder}`;
  return { state: free < MIN_FREE_BYTES ? 'warning' : 'ok', about, words, next: 'make room' };
}

/** Only importing needs it. */
export async function checkGit(program = 'git'): Promise<Finding> {
  const about = 'git';
  const next = `importing will need git ${MIN_GIT} or newer`;
  try {
    const { stdout } = await promisify(execFile)(program, ['--version'], { timeout: GIT_MS });
    const version = /^git version (\d+\.\d+[\w.]*)/.exec(stdout)?.[1];
    if (version === undefined) return { state: 'unknown', about, words: 'says no version that is known', next };
    const isOld = version.localeCompare(MIN_GIT, 'en', { numeric: true }) < 0;
    return { state: isOld ? 'warning' : 'ok', about, words: version, next };
  } catch {
    return { state: 'warning', about, words: 'is not installed', next };
  }
}

/** external_url: https, and how long its certificate is good for, where it can be seen from here. */
export async function checkAddress({ external_url }: Pick<Config, 'external_url'>, now: number): Promise<Finding> {
  const about = 'address';
  const url = new URL(external_url);
  if (url.protocol !== 'https:') {
    return { state: 'ok', about, words: `${external_url}, without https, for people on this machine only` };
  }
  const seen = await certificateOf(url);
  if (seen === undefined) {
    const words = `${external_url}; its certificate cannot be seen from this server`;
    return { state: 'unknown', about, words, next: 'look at it from a browser: the proxy in front keeps it' };
  }
  const days = Math.floor((seen.endsAt - now) / DAY_MS);
  const words = `${external_url}; its certificate is good for ${days} days`;
  const next = 'renew the certificate of the proxy';
  if (days < 0) return { state: 'failed', about, words: `${external_url}; its certificate has run out`, next };
  if (seen.refused !== undefined) {
    const not = `${external_url}; this machine does not trust its certificate (${seen.refused})`;
    return { state: 'warning', about, words: not, next: 'fine if people’s browsers know who signed it' };
  }
  return { state: days < MIN_CERTIFICATE_DAYS ? 'warning' : 'ok', about, words, next };
}

/** Only looks: nothing is sent, so a certificate that is not trusted does no harm. */
function certificateOf({ hostname, port }: URL): Promise<{ endsAt: number; refused: string | undefined } | undefined> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return new Promise((resolve) => {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket = connect({ host, port: Number(port || 443), ...servername, rejectUnauthorized: false });
    const end = (seen?: { endsAt: number; refused: string | undefined }) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(seen);
    };
    const timer = setTimeout(end, TLS_MS);
    socket.once('error', () => end());
    socket.once('secureConnect', () => {
      const endsAt = Date.parse(socket.getPeerCertificate().valid_to);
      const refused = socket.authorized ? undefined : wordOf(socket.authorizationError);
      end(Number.isNaN(endsAt) ? undefined : { endsAt, refused });
    });
  });
}

/** Node's code, `DEPTH_ZERO_SELF_SIGNED_CERT`: its messages may quote the certificate. */
function wordOf(error: unknown): string {
  const text = String((error as { code?: unknown })?.code ?? error);
  return /^[A-Z_]{1,60}$/.test(text) ? text : 'not trusted';
}
