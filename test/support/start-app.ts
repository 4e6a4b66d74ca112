// A real Gatehouse on a free loopback port with its own data directory, configured by a YAML text as an admin would.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createListener } from '../../src/app.ts';
import { ensureRoot } from '../../src/accounts/root.ts';
import { hasAccounts, insertAccount } from '../../src/accounts/store.ts';
import { dropSchema, makeSchema, onPostgres, postgresUrl } from './database.ts';
import type { LoadedConfig } from '../../src/config/load.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ConfigurationState } from '../../src/config/reload.ts';
import { initialState } from '../../src/config/reload.ts';
import { openDatabase } from '../../src/db/open.ts';
import type { NewAccount } from '../../src/db/tables.ts';
import { openLog } from '../../src/log.ts';
import type { Services } from '../../src/services.ts';
import { openServices } from '../../src/services.ts';
import type { Http } from '../../src/bitbucket/http.ts';
import type { ServerLimits } from '../../src/web/http-server.ts';
import { createHttpServer, SERVER_LIMITS, tellOfRefused } from '../../src/web/http-server.ts';
import { closeAtEnd, makeDataDir } from './at-end.ts';
import { keepSecretsOfConfig, listenIn, noteWritten } from './leaks.ts';

export const ROOT_PASSWORD = 'correct horse battery';

export interface StartOptions {
  /** YAML besides external_url, listen and data_dir. */
  yaml?: string;
  /** Default `http://localhost:<port>`; `<port>` is replaced. */
  externalUrl?: string;
  env?: NodeJS.ProcessEnv;
  now?: () => number;
  http?: Http;
  dataDir?: string;
  /** Other limits on connections than those of `gatehouse serve`. */
  limits?: Partial<ServerLimits>;
  /** Use this port again, for a server that comes back. */
  port?: number;
}

export interface TestApp {
  /** Where it listens: `http://localhost:<port>`, also when external_url says otherwise. */
  url: string;
  port: number;
  dataDir: string;
  services: Services;
  /** Every line it has logged. */
  log: string[];
  /** Replaces the running configuration, as a reload does. */
  reconfigure(yaml: string): void;
  /** As a reload does that found something broken, or something that waits. */
  noteState(change: Partial<ConfigurationState>): void;
  /** Stops the server and keeps the data. */
  stop(): Promise<void>;
}

function environment(yaml: string, dataDir: string): NodeJS.ProcessEnv {
  if (!onPostgres) return { GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD };
  const key = yaml.includes('secret_key') ? {} : { GATEHOUSE_SECRET_KEY: 'the-same-key-for-every-test-server' };
  return { GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD, DATABASE_URL: postgresUrl(dataDir), ...key };
}

/** The SQLite file of this version with nothing in it. Made once per file: that is a third of what starting takes. */
let empty: Buffer | undefined;

async function placeDatabase(dataDir: string): Promise<void> {
  const path = join(dataDir, 'gatehouse.db');
  if (existsSync(path)) return;
  if (empty) return writeFileSync(path, empty, { mode: 0o600 });
  const { db, migrate } = openDatabase({ kind: 'sqlite', path });
  await migrate();
  await db.destroy();
  empty = readFileSync(path);
}

let root: Omit<NewAccount, 'created_at'> | undefined;

/** As a first start does it. The password is hashed once per file: that takes longer than many a test. */
async function makeRoot(services: Services): Promise<void> {
  const { db, config, now } = services;
  const isUsual = config().root_password === ROOT_PASSWORD && !(await hasAccounts(db));
  if (isUsual && root) {
    const again = { ...root, created_at: now() };
    await db.transaction().execute((trx) => insertAccount(trx, again));
    return;
  }
  await ensureRoot(services);
  if (!isUsual) return;
  await db.deleteFrom('audit_events').execute(); // as for the tests that follow in that file
  const columns = ['username', 'name', 'email', 'state', 'admin', 'password_hash'] as const;
  root = await db.selectFrom('accounts').select(columns).executeTakeFirst();
}

export async function startApp(options: StartOptions = {}): Promise<TestApp> {
  const dataDir = options.dataDir ?? makeDataDir();
  const server = createHttpServer({ ...SERVER_LIMITS, ...options.limits });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  closeAtEnd(() => void server.close()); // also when what follows fails
  const { port } = server.address() as AddressInfo;
  const log: string[] = [];
  const load = (yaml: string): LoadedConfig => {
    const file = join(dataDir, 'gatehouse.yml');
    const external = (options.externalUrl ?? 'http://localhost:<port>').replace('<port>', String(port));
    writeFileSync(file, `external_url: ${external}\nlisten: { port: ${port} }\ndata_dir: ${dataDir}\n${yaml}\n`, {
      mode: 0o600,
    });
    const loaded = loadConfig({ file, env: { ...environment(yaml, dataDir), ...options.env }, cwd: dataDir });
    keepSecretsOfConfig(loaded.config);
    return loaded;
  };
  if (onPostgres) {
    await makeSchema(dataDir);
    closeAtEnd(() => dropSchema(dataDir));
  } else {
    await placeDatabase(dataDir);
  }
  let state = initialState(load(options.yaml ?? ''));
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(...chunk.toString().split('\n').filter(Boolean));
      done();
    },
  });
  const services = await openServices({
    configuration: () => state,
    log: openLog(state.loaded.config.log, out),
    ...(options.now ? { now: options.now } : {}),
    ...(options.http ? { http: options.http } : {}),
  });
  await makeRoot(services);
  server.on('request', listenIn);
  server.on('request', createListener(services));
  tellOfRefused(server, services.log, services.now);
  let stopped: Promise<void> | undefined;
  const stop = () =>
    (stopped ??= (async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await services.close();
    })());
  closeAtEnd(async () => {
    await stop();
    noteWritten('log', 'of the started app', log.join('\n'));
  });
  return {
    url: `http://localhost:${port}`,
    port,
    dataDir,
    services,
    log,
    reconfigure: (yaml) => (state = initialState(load(yaml))),
    noteState: (change) => (state = { ...state, ...change }),
    stop,
  };
}
