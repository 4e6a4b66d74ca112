// Gatehouse as real processes, several of them where a test wants it, with a sandbox beside them.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Person } from '../../src/sandbox/options.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { Running } from '../commands/run.ts';
import { start } from '../commands/run.ts';
import { CONSUMER, providerYaml } from '../support/provider.ts';
import { closeSandboxAtEnd, makeDataDir } from '../support/at-end.ts';
import { until } from '../support/until.ts';

/** What people type, and what the samples in docs/samples say. */
export const PUBLIC_URL = 'https://gatehouse.example.com';
export const ROOT_PASSWORD = 'correct horse battery';
export const SECRET_KEY = 'the-same-key-for-every-process-of-this-test';
/** The name of the session's cookie below an address with https. */
export const SESSION_COOKIE = '__Host-gatehouse';

/** Many people with an account at Bitbucket: `person-0`, `person-1` … */
export function makePeople(count: number): Person[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `person-${index}`,
    uuid: `{7f3c9a64-1d2e-4b58-a0c7-${String(index).padStart(12, '0')}}`,
    accountId: `712020:${index}`,
    username: `person-${index}`,
    nickname: `person-${index}`,
    displayName: `Person ${index}`,
    emails: [{ address: `person-${index}@example.test`, isPrimary: true, isConfirmed: true }],
    memberships: [],
  }));
}

export async function openSandbox(people?: Person[]): Promise<Sandbox> {
  const sandbox = await startSandbox({
    consumers: [{ ...CONSUMER, callbackUrl: PUBLIC_URL, permissions: ['account', 'email'] }],
    ...(people ? { people } : {}),
  });
  closeSandboxAtEnd(sandbox);
  return sandbox;
}

/** A working directory with a configuration, as one has it on a server. Without limits unless `more` sets some. */
export function configure(
  sandbox: Sandbox,
  more = 'rate_limits: { oauth_per_minute: 0, password_per_minute: 0 }',
): string {
  const cwd = makeDataDir();
  mkdirSync(join(cwd, 'config'));
  const yaml = `external_url: ${PUBLIC_URL}\ntrusted_proxies: [127.0.0.1]\n${providerYaml(sandbox)}${more}\n`;
  writeFileSync(join(cwd, 'config/gatehouse.yml'), yaml, { mode: 0o600 });
  return cwd;
}

/** Starts one process and waits until it is ready. */
export async function startNode(
  cwd: string,
  port: number,
  env: NodeJS.ProcessEnv = {},
  more: Parameters<typeof start>[3] = {},
): Promise<Running> {
  const running = start(cwd, ['serve'], { PORT: String(port), GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD, ...env }, more);
  await running.says('Gatehouse is ready');
  return running;
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * How many times as long as promised something may take. A machine that runs all the tests at once says nothing about
 * time; `OPERATIONS_PATIENCE=1` where nothing else runs.
 */
const PATIENCE = Number(process.env['OPERATIONS_PATIENCE'] ?? 5);

/** What `promisedMs` comes to on this machine. */
export function patient(promisedMs: number): number {
  return promisedMs * PATIENCE;
}

/** Asks until the answer is yes, which is promised within this time. @throws when it does not come */
export async function untilWithin(promisedMs: number, asked: () => Promise<boolean>): Promise<void> {
  // To the letter or not at all: what is late on a busy machine comes all the same, and is what was waited for.
  await until(asked, PATIENCE > 1 ? {} : { mostMs: patient(promisedMs) });
}
