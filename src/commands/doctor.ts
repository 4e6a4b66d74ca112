// `gatehouse doctor`: what to enter at Bitbucket, then live checks, each with its next step.
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkCallback, checkCredentials, checkReachable } from '../bitbucket/checks.ts';
import type { CheckResult } from '../bitbucket/checks.ts';
import type { Http } from '../bitbucket/http.ts';
import { createHttp } from '../bitbucket/http.ts';
import type { LoadedConfig } from '../config/load.ts';
import { parseDatabaseUrl } from '../config/database-url.ts';
import type { Config, ProviderConfig } from '../config/schema.ts';
import { checkWritable } from '../db/migrate.ts';
import type { Database } from '../db/tables.ts';
import { migrations } from '../db/migrations/index.ts';
import { openDatabase } from '../db/open.ts';
import { siteOf } from '../web/site.ts';
import type { Command } from './command.ts';
import { loadConfiguration } from './command.ts';
import { nodeWarning } from './node-version.ts';

interface Finding {
  state: 'ok' | 'warning' | 'failed';
  about: string;
  words: string;
  /** What to do about it. */
  next?: string;
}

const MIN_FREE_BYTES = 500 * 1024 * 1024;
const MAX_CLOCK_SKEW_SECONDS = 60;

export const doctor: Command = async (context) => {
  const loaded = loadConfiguration(context);
  const { config } = loaded;
  context.out(whatToEnter(config));
  const http = createHttp();
  const findings = [
    aboutNode(process.version),
    ...aboutConfiguration(loaded),
    ...(await Promise.all(config.omniauth.providers.map((provider) => aboutProvider(provider, config, http)))).flat(),
    await aboutDatabase(config),
    aboutDisk(config.data_dir),
  ];
  await http.close();
  for (const { state, about, words, next } of findings) {
    context.out(`${state.padEnd(8)} ${about}: ${words}`);
    if (next !== undefined && state !== 'ok') context.out(`         -> ${next}`);
  }
  return findings.some(({ state }) => state === 'failed') ? 1 : 0;
};

function whatToEnter(config: Config): string {
  return `What to enter at Bitbucket
(your workspace's settings > Apps and features > OAuth consumers > Add consumer)

  Name          Gatehouse
  Callback URL  ${siteOf(config).callbackUrl}
  URL           ${config.external_url}
  Private consumer: leave ticked
  Permissions   Account: Email
                Account: Read
`;
}

function aboutNode(version: string): Finding {
  const warning = nodeWarning(version);
  if (warning === undefined) return { state: 'ok', about: 'node', words: version };
  return { state: 'warning', about: 'node', words: warning, next: 'install Node 24 and start again' };
}

function aboutConfiguration({ file, warnings, config }: LoadedConfig): Finding[] {
  const providers = config.omniauth.providers.length;
  const findings: Finding[] = [
    { state: 'ok', about: 'configuration', words: file ?? 'no file; defaults and environment' },
    ...warnings.map((warning): Finding => ({ state: 'warning', about: 'configuration', words: warning })),
  ];
  if (providers > 0) return findings;
  const next =
    'set BITBUCKET_APP_KEY and BITBUCKET_APP_SECRET, or copy config/gatehouse.example.yml to config/gatehouse.yml';
  return [...findings, { state: 'warning', about: 'sign-in', words: 'no provider is set up', next }];
}

async function aboutProvider(provider: ProviderConfig, config: Config, http: Http): Promise<Finding[]> {
  const urls = { url: provider.url, apiUrl: provider.api_url };
  const consumer = {
    ...urls,
    clientID: provider.app_id,
    clientSecret: provider.app_secret,
    callbackURL: siteOf(config).callbackUrl,
    scope: provider.args.scope,
  };
  const [reachable, credentials, callback, clock] = await Promise.all([
    checkReachable(urls, http),
    checkCredentials(consumer, http),
    checkCallback(consumer, http),
    clockFinding(provider, http),
  ]);
  const about = `provider ${provider.name}`;
  return [
    finding(`${about}, reachable`, reachable, consumer.callbackURL),
    finding(`${about}, key and secret`, credentials, consumer.callbackURL),
    finding(`${about}, callback`, callback, consumer.callbackURL),
    ...clock,
  ];
}

function finding(about: string, { ok, words, mend }: CheckResult, callbackUrl: string): Finding {
  const steps = {
    address: 'check url and api_url, DNS and firewall',
    credentials: 'copy key and secret again from the OAuth consumer at Bitbucket',
    callback: `set the consumer's callback URL to ${callbackUrl}`,
  };
  const state = ok === 'unknown' ? 'warning' : ok ? 'ok' : 'failed';
  return { state, about, words, ...(mend ? { next: steps[mend] } : {}) };
}

/** Our clock against the Date header of Bitbucket's answer. */
async function clockFinding({ api_url }: ProviderConfig, http: Http): Promise<Finding[]> {
  const reply = await http.send({ endpoint: 'user', url: `${api_url}/user` }).catch(() => undefined);
  const theirs = Date.parse(String(reply?.headers['date']));
  if (Number.isNaN(theirs)) return [];
  const skew = Math.round(Math.abs(Date.now() - theirs) / 1000);
  const state = skew > MAX_CLOCK_SKEW_SECONDS ? 'warning' : 'ok';
  return [{ state, about: 'clock', words: `${skew} s from Bitbucket's`, next: 'let the machine set its clock by NTP' }];
}

/** Looks without changing anything: a file that is not there yet is not made. */
async function aboutDatabase(config: Config): Promise<Finding> {
  const about = 'database';
  const address = parseDatabaseUrl(config);
  if (address.kind === 'sqlite' && !existsSync(address.path)) {
    return { state: 'ok', about, words: `${address.path} will be made at the first start` };
  }
  try {
    const { db, dialect, version } = openDatabase(address);
    const damage = await dialect.findDamage(db);
    if (damage !== undefined) {
      await db.destroy();
      return { state: 'failed', about, words: `is damaged: ${damage}`, next: 'restore the backup: docs/operations.md' };
    }
    const found = await lookAt(db, version);
    if (found > migrations.length) {
      const words = `has version ${found}, this Gatehouse knows ${migrations.length}`;
      return { state: 'failed', about, words, next: 'start the newer Gatehouse again, or restore a backup' };
    }
    return { state: 'ok', about, words: found < migrations.length ? 'answers; the next start upgrades it' : 'answers' };
  } catch (error) {
    const words = (error as Error).message;
    return { state: 'failed', about, words, next: 'check database_url, data_dir and their permissions' };
  }
}

async function lookAt(db: Database, version: () => Promise<number>): Promise<number> {
  try {
    const found = await version();
    if (found > 0) await checkWritable(db);
    return found;
  } finally {
    await db.destroy();
  }
}

function aboutDisk(dataDir: string): Finding {
  let folder = dataDir;
  while (!existsSync(folder)) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    return {
      state: 'failed',
      about: 'disk',
      words: `${folder} is not writable`,
      next: 'give it to the user Gatehouse runs as',
    };
  }
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const words = `${(free / 1024 ** 3).toFixed(1)} GiB free at ${folder}`;
  return { state: free < MIN_FREE_BYTES ? 'warning' : 'ok', about: 'disk', words, next: 'make room' };
}
