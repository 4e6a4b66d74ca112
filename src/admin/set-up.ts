// Is everything set up? One look for `gatehouse doctor` and for Admin → Set-up, each finding with its next step.
import type { AnnouncedChange } from '../announced-changes.ts';
import { listAnnouncedChanges } from '../announced-changes.ts';
import type { Http } from '../bitbucket/http.ts';
import type { Config, ProviderConfig } from '../config/schema.ts';
import { migrations } from '../db/migrations/index.ts';
import type { OpenDatabase } from '../db/open.ts';
import type { Services } from '../services.ts';
import { checkConsumer } from './consumer-checks.ts';
import type { Finding } from './findings.ts';
import { checkAddress, checkDatabase, checkDisk, checkGit } from './server-checks.ts';
import type { TestSignIn } from './test-findings.ts';
import { lastTest } from './test-findings.ts';

export interface SetUpSources {
  config: Config;
  http: Http;
  database: OpenDatabase;
  now: number;
  /** Files of the database up to that size are looked over for damage; default: of any size. */
  looksOver?: number;
}

export interface Checks {
  providers: { name: string; label: string; findings: Finding[] }[];
  server: Finding[];
}

export interface SetUp {
  providers: ProviderSetUp[];
  server: Finding[];
  /** Those that nobody has dismissed. */
  changes: AnnouncedChange[];
}

export type ProviderSetUp = Checks['providers'][number] & { lastTest: TestSignIn | undefined };

/** All there is to see. Changes nothing. */
export async function lookAtSetUp(sources: SetUpSources): Promise<SetUp> {
  const { providers, server } = await checkSetUp(sources);
  const { database } = sources;
  const answers = server.some(({ about, state }) => about === 'database' && state === 'ok');
  const isReadable = answers && (await database.version()) === migrations.length;
  const tested = providers.map(async (provider) => ({
    ...provider,
    lastTest: isReadable ? await lastTest(database.db, provider) : undefined,
  }));
  const changes = isReadable ? (await listAnnouncedChanges(database.db)).filter(({ dismissed }) => !dismissed) : [];
  return { providers: await Promise.all(tested), server, changes };
}

/** Asks Bitbucket and the machine, and with SQLite reads the file. Changes nothing. */
async function checkSetUp({ config, http, database, now, looksOver }: SetUpSources): Promise<Checks> {
  const about = await checkDatabase(database, looksOver);
  const provider = async (one: ProviderConfig) => ({
    name: one.name,
    label: one.label,
    findings: await checkConsumer(one, config, http),
  });
  const [providers, git, address] = await Promise.all([
    Promise.all(config.omniauth.providers.map(provider)),
    checkGit(),
    checkAddress(config, now),
  ]);
  return { providers, server: [address, about, checkDisk(config.data_dir), git] };
}

/** As much of the database's file as is looked over while somebody waits for a page. */
const LOOKED_OVER_BYTES = 64 * 1024 ** 2;
/** So long those who look get what is known already. */
const SHARED_MS = 10_000;

interface Run {
  of: Config;
  beganAt: number;
  /** Infinity while it runs. */
  sharedUntil: number;
  checks: Promise<Checks>;
}

/**
 * The checks for a page that every administrator may open, reload or forget in a tab: who looks at the same time or a few
 * seconds later gets the same run.
 * @returns a function that gives the latest run, or begins one where that did not begin later than `after`
 */
export function shareChecks({ config, http, database, now }: Services): (after: number) => Run {
  let latest: Run | undefined;
  return (after) => {
    const of = config();
    const beganAt = now();
    if (latest && latest.of === of && isShared(latest, beganAt) && isLater(latest, after, beganAt)) return latest;
    const checks = checkSetUp({ config: of, http, database, now: beganAt, looksOver: LOOKED_OVER_BYTES });
    const run: Run = { of, beganAt, sharedUntil: Infinity, checks };
    checks.then(
      () => (run.sharedUntil = now() + SHARED_MS),
      () => (run.sharedUntil = 0),
    );
    return (latest = run);
  };
}

/** One from the future is from before the clock was set. */
function isShared({ beganAt, sharedUntil }: Run, now: number): boolean {
  return beganAt <= now && now < sharedUntil;
}

/** Nobody has seen a run of the future: by asking for a later one than that each view would begin its own. */
function isLater({ beganAt }: Run, after: number, now: number): boolean {
  return beganAt > after || after > now;
}
