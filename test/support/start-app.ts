// A real Gatehouse on a free loopback port with its own data directory, configured by a YAML text as an admin would.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { createApp } from '../../src/app.ts';
import { ensureRoot } from '../../src/accounts/root.ts';
import { dropSchema, makeSchema, onPostgres, postgresUrl } from './database.ts';
import type { Config } from '../../src/config/schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { openLog } from '../../src/log.ts';
import type { Services } from '../../src/services.ts';
import { openServices } from '../../src/services.ts';
import type { Http } from '../../src/bitbucket/http.ts';
import type { ServerLimits } from '../../src/web/http-server.ts';
import { createHttpServer, SERVER_LIMITS, tellOfRefused } from '../../src/web/http-server.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { keepSecretsOfConfig, listenIn, noteFiles, noteWritten, takeLeaks, watchSandbox } from './leaks.ts';

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
  /** Stops the server and keeps the data. */
  stop(): Promise<void>;
}

const cleanUps: (() => Promise<void> | void)[] = [];

/** Everything started with these helpers ends after each test. */
export function closeAtEnd(cleanUp: () => Promise<void> | void): void {
  cleanUps.push(cleanUp);
}

/** A sandbox ends after the test, too; what it has handed out must not have been written anywhere. */
export function closeSandboxAtEnd(sandbox: Sandbox): void {
  watchSandbox(sandbox);
  closeAtEnd(() => sandbox.close());
}

/** Ends everything that this test has started. */
export async function endAll(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
}

afterEach(async () => {
  await endAll();
  expect(takeLeaks()).toEqual([]); // a secret was written: LG-001
});

export function makeDataDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  closeAtEnd(() => {
    noteFiles(dir);
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

function environment(yaml: string, dataDir: string): NodeJS.ProcessEnv {
  if (!onPostgres) return { GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD };
  const key = yaml.includes('secret_key') ? {} : { GATEHOUSE_SECRET_KEY: 'the-same-key-for-every-test-server' };
  return { GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD, DATABASE_URL: postgresUrl(dataDir), ...key };
}

export async function startApp(options: StartOptions = {}): Promise<TestApp> {
  const dataDir = options.dataDir ?? makeDataDir();
  const server = createHttpServer({ ...SERVER_LIMITS, ...options.limits });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  closeAtEnd(() => void server.close()); // also when what follows fails
  const { port } = server.address() as AddressInfo;
  const log: string[] = [];
  const load = (yaml: string): Config => {
    const file = join(dataDir, 'gatehouse.yml');
    const external = (options.externalUrl ?? 'http://localhost:<port>').replace('<port>', String(port));
    writeFileSync(file, `external_url: ${external}\nlisten: { port: ${port} }\ndata_dir: ${dataDir}\n${yaml}\n`, {
      mode: 0o600,
    });
    const { config } = loadConfig({ file, env: { ...environment(yaml, dataDir), ...options.env }, cwd: dataDir });
    keepSecretsOfConfig(config);
    return config;
  };
  if (onPostgres) {
    await makeSchema(dataDir);
    closeAtEnd(() => dropSchema(dataDir));
  }
  let config = load(options.yaml ?? '');
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log.push(...chunk.toString().split('\n').filter(Boolean));
      done();
    },
  });
  const services = await openServices({
    config: () => config,
    log: openLog(config.log, out),
    ...(options.now ? { now: options.now } : {}),
    ...(options.http ? { http: options.http } : {}),
  });
  await ensureRoot(services);
  server.on('request', listenIn);
  server.on('request', createApp(services));
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
    reconfigure: (yaml) => (config = load(yaml)),
    stop,
  };
}
