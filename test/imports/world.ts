// A Gatehouse with a Bitbucket that has repositories, somebody who lets it read them, and a worker.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepTokens } from '../../src/accounts/provider-tokens.ts';
import type { Http } from '../../src/bitbucket/http.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { toTokenSet } from '../../src/bitbucket/token-reply.ts';
import { Accesses, clientWith } from '../../src/imports/access.ts';
import type { ImportJson } from '../../src/imports/describe.ts';
import { describeImport } from '../../src/imports/describe.ts';
import { readLines } from '../../src/imports/journal.ts';
import { startImport } from '../../src/imports/start.ts';
import { ACTIVE, findImport } from '../../src/imports/store.ts';
import type { WorkerOptions } from '../../src/imports/worker.ts';
import { ImportWorker } from '../../src/imports/worker.ts';
import type { Account } from '../../src/db/tables.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { SAMPLE_CONTRIBUTORS, SAMPLE_PROJECTS } from '../../src/sandbox/sample-people.ts';
import { onPostgres } from '../support/database.ts';
import { makeAccount, startBoth } from '../support/people.ts';
import { CONSUMER, providerYaml } from '../support/provider.ts';
import type { StartOptions, TestApp } from '../support/start-app.ts';
import { closeAtEnd } from '../support/at-end.ts';

const READ = ['account', 'repository', 'pullrequest', 'project'];
export const EVERYTHING = [...READ, 'repository:admin', 'webhook'];

export interface World {
  app: TestApp;
  sandbox: Sandbox;
  /** Whose Bitbucket account Alice's is. */
  account: Account;
  credentialId: number;
}

export interface WorldOptions extends StartOptions {
  sandbox: Partial<SandboxOptions>;
  /** More of the provider's YAML. */
  provider?: string;
  scopes?: string[];
}

/** Alice has let Gatehouse read at Bitbucket. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const scopes = options.scopes ?? EVERYTHING;
  const consumer = { ...CONSUMER, name: 'Gatehouse', permissions: scopes, callbackUrl: 'http://localhost:' };
  const { app, sandbox } = await startBoth({
    ...options,
    sandbox: {
      consumers: [consumer],
      contributors: SAMPLE_CONTRIBUTORS,
      projects: SAMPLE_PROJECTS,
      ...options.sandbox,
      switches: { hourlyLimit: 0, ...options.sandbox.switches },
    },
  });
  const account = await makePerson(app, 'ada');
  return { app, sandbox, account, credentialId: await giveConsent({ app, sandbox, account }, 'alice', scopes) };
}

export async function makePerson(app: TestApp, username: string): Promise<Account> {
  await makeAccount(app, { username, name: username, email: null, state: 'active', admin: 0, password_hash: null });
  const accounts = app.services.db.selectFrom('accounts').selectAll().where('username', '=', username);
  return accounts.executeTakeFirstOrThrow();
}

/** What a dance with Bitbucket leaves behind: a credential, and its tokens. */
export async function giveConsent(
  { app, sandbox, account }: Pick<World, 'app' | 'sandbox' | 'account'>,
  as: string,
  scopes: string[],
): Promise<number> {
  const { services } = app;
  const query = new URLSearchParams({
    client_id: CONSUMER.key,
    response_type: 'code',
    state: 's',
    scope: scopes.join(' '),
  });
  const callback = await sandbox.decide(`${sandbox.url}site/oauth2/authorize?${query.toString()}`, {
    as,
    decision: 'allow',
  });
  const code = new URL(callback).searchParams.get('code') ?? '';
  const basic = Buffer.from(`${CONSUMER.key}:${CONSUMER.secret}`).toString('base64');
  const body = new URLSearchParams({ grant_type: 'authorization_code', code });
  const headers = { authorization: `Basic ${basic}` };
  const reply = await fetch(`${sandbox.url}site/oauth2/access_token`, { method: 'POST', headers, body });
  const tokens = toTokenSet(await reply.json());
  const key = sandbox.person(as).uuid;
  return services.db.transaction().execute(async (trx) => {
    const known = trx.selectFrom('import_credentials').select('id').where('account_id', '=', account.id);
    const row = {
      ...{
        account_id: account.id,
        identity_id: null,
        provider: 'bitbucket',
        kind: 'oauth' as const,
        email: null,
        label: as,
      },
      ...{ key, sealed: null, created_at: services.now() },
    } as const;
    const { id } =
      (await known.where('key', '=', key).executeTakeFirst()) ??
      (await trx.insertInto('import_credentials').values(row).returning('id').executeTakeFirstOrThrow());
    await keepTokens(trx, services, { credentialId: id }, tokens);
    return id;
  });
}

/** Queues an import, as a page does. */
export async function ask(
  { app, account, credentialId }: World,
  source: string,
  where: { namespace?: string; name?: string } = {},
) {
  const access = await new Accesses(app.services).open(credentialId);
  const { signal } = new AbortController();
  const repository = await clientWith(access, { http: app.services.http, signal }).getRepository(source);
  return startImport(app.services, { account, source: { provider: 'bitbucket', repository }, credentialId, ...where });
}

/** Ends with the test. */
export function startWorker({ app }: Pick<World, 'app'>, options: WorkerOptions = {}): ImportWorker {
  const worker = new ImportWorker(app.services, { lookEveryMs: 20, beatEveryMs: 100, ...options }).start();
  closeAtEnd(() => worker.stop());
  return worker;
}

/** @returns the import when it is over, or in another state that was waited for */
export async function waitFor(
  { app: { services } }: Pick<World, 'app'>,
  id: number,
  isReached: (state: ImportJson) => boolean = ({ status }) => !ACTIVE.includes(status),
): Promise<ImportJson> {
  for (const deadline = Date.now() + 60_000; ;) {
    const row = await findImport(services.db, id);
    if (!row) throw new Error('the import is gone');
    const state = await describeImport(services.db, row);
    if (isReached(state)) return state;
    if (Date.now() > deadline) {
      const lines = await readLines(services.db, id);
      throw new Error(`still ${JSON.stringify(state)}\n${lines.map(({ text }) => text).join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Asks for an import and waits for its end. */
export async function importAll(world: World, source: string): Promise<ImportJson> {
  const { id } = await ask(world, source);
  startWorker(world);
  return waitFor(world, id);
}

/** The environment of a process beside the test's own server, with the same database. */
export function besides({ app, sandbox }: Pick<World, 'app' | 'sandbox'>): NodeJS.ProcessEnv {
  const { dataDir, services } = app;
  const file = join(dataDir, 'worker.yml');
  const { database_url: url, external_url: external } = services.config();
  const database = onPostgres ? `database_url: '${url}'\nsecret_key: the-same-key-for-every-test-server\n` : '';
  writeFileSync(file, `external_url: ${external}\ndata_dir: ${dataDir}\n${database}${providerYaml(sandbox)}`, {
    mode: 0o600,
  });
  return { GATEHOUSE_CONFIG: file, GATEHOUSE_ROOT_PASSWORD: 'correct horse battery' };
}

/** The time as it is, and a way to let it leap. */
export function startClock(): { clock: () => number; jump: (ms: number) => void } {
  let leapt = 0;
  return { clock: () => Date.now() + leapt, jump: (ms) => void (leapt += ms) };
}

export interface Gate {
  /** For a worker. */
  http: Http;
  /** The first such call was made, and waits. */
  reached: Promise<void>;
  open(): void;
}

/** Lets calls of these addresses wait: an import stands still there for as long as a test needs. @param deaf also for who ends them */
export function holdCalls(addresses: RegExp, { deaf = false }: { deaf?: boolean } = {}): Gate {
  const http = createHttp({ deadlineMs: 60_000, maxBodyBytes: 32 * 1024 * 1024 });
  closeAtEnd(() => http.close());
  const [reached, opened] = [signal(), signal()];
  let isOpen = false;
  const send: Http['send'] = async (request) => {
    if (!isOpen && addresses.test(request.url)) {
      reached.give();
      const ended = signal();
      request.signal?.addEventListener('abort', ended.give);
      await (deaf ? opened.given : Promise.race([opened.given, ended.given]));
    }
    return http.send(request);
  };
  const open = () => {
    isOpen = true;
    opened.give();
  };
  return { http: { ...http, send }, reached: reached.given, open };
}

function signal(): { given: Promise<void>; give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}

/** How many calls of the API an import has made. */
export function callsOf({ sandbox }: Pick<World, 'sandbox'>): number {
  const besides = ['git', 'lfs', 'storage', 'token', 'authorize', 'sign-in', 'image'];
  return [...sandbox.counts].reduce((sum, [route, count]) => sum + (besides.includes(route) ? 0 : count), 0);
}
