// The server's secret key: read from the configuration or kept in data_dir, and the keys derived from it.
import { hkdfSync, randomBytes } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartProblem } from './errors.ts';
import type { Config } from './config/schema.ts';

export interface Keys {
  /** Sign the session cookie; newest first, all of them are accepted. */
  sessionCookie: string[];
  /** Sign CSRF tokens; newest first. */
  csrf: string[];
  /** Sign device cookies; newest first. */
  deviceCookie: string[];
  /** Seal what Bitbucket has given us to keep; newest first. */
  providerTokens: string[];
}

/** @returns the secret keys, newest first; without `secret_key` one is made once in `data_dir/secret_key` (mode 0600) */
export function loadKeys(config: Config): Keys {
  const secrets = secretKeys(config);
  return {
    sessionCookie: secrets.map((secret) => derive(secret, 'session cookie')),
    csrf: secrets.map((secret) => derive(secret, 'csrf')),
    deviceCookie: secrets.map((secret) => derive(secret, 'device cookie')),
    providerTokens: secrets.map((secret) => derive(secret, 'provider tokens')),
  };
}

function secretKeys(config: Config): string[] {
  const configured = config.secret_key ?? [];
  const list = typeof configured === 'string' ? [configured] : configured;
  return list.length > 0 ? [...list] : [generatedKey(config.data_dir)];
}

function generatedKey(dataDir: string): string {
  const path = join(dataDir, 'secret_key');
  const key = readOrCreate(path, () => randomBytes(32).toString('hex'));
  if (key.length < 32)
    throw new StartProblem(`${path}: expected a key of at least 32 characters; delete the file to make a new one`);
  return key;
}

/**
 * Reads a secret that lives in a file of data_dir (mode 0600), making it first if it is not there.
 * Written aside and linked into place: of two processes that start at once one wins, and nobody reads half a secret.
 */
export function readOrCreate(path: string, make: () => string): string {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const draft = `${path}.${process.pid}`;
    writeFileSync(draft, `${make()}\n`, { mode: 0o600 });
    try {
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      unlinkSync(draft);
    }
  }
  return readFileSync(path, 'utf8').trim();
}

/** One key per use, so that a token of one kind can never pass for another (RFC 5869). */
function derive(secret: string, use: string): string {
  return Buffer.from(hkdfSync('sha256', secret, '', `gatehouse ${use}`, 32)).toString('hex');
}
