// `gatehouse serve`: the web server with the configuration of file and environment.
import type { AuditEvent } from '../audit/record.ts';
import { insertEvent } from '../audit/record.ts';
import type { LoadedConfig } from '../config/load.ts';
import { watchConfig } from '../config/reload.ts';
import { openLog } from '../log.ts';
import type { Log } from '../log.ts';
import type { Services } from '../services.ts';
import { openServices } from '../services.ts';
import type { Command, CommandContext } from './command.ts';
import { loadConfiguration } from './command.ts';
import { nodeWarning } from './node-version.ts';
import type { RunningServer } from './server.ts';
import { startServer } from './server.ts';

export const serve: Command = async (context) => {
  const { services, log, first, cleanUp } = await openServing(context);
  const server = await startServer(services, { env: context.env, withJobs: context.withJobs ?? true });
  const { external_url, listen } = first.config;
  log.info(
    { external_url, ...listen, file: first.file ?? null, pid: process.pid },
    `Gatehouse is ready at ${external_url}`,
  );
  stopOnSignals({ server, log, byNpm: isByNpm(context), cleanUp });
  return undefined;
};

/** What a process that goes on works with: the configuration as it is reloaded, the log, and the services. */
export interface Serving {
  services: Services;
  log: Log;
  /** The configuration it was started with. */
  first: LoadedConfig;
  cleanUp(): void;
}

export async function openServing(context: CommandContext): Promise<Serving> {
  const first = loadConfiguration(context);
  const log = openLog(first.config.log);
  warn(log, first);
  for (const warning of processWarnings()) log.warn(warning);
  const opened: { services?: Services } = {}; // a reload may come before
  const watched = watchConfig({
    initial: first,
    load: () => loadConfiguration(context),
    onReload: (loaded, needRestart, changed) => {
      log.level = loaded.config.log.level;
      warn(log, loaded);
      log.info({ file: loaded.file, need_restart: needRestart }, 'configuration reloaded');
      noteReload(opened.services, { details: { changed, need_restart: needRestart } });
    },
    onBroken: (error) => {
      const mistakes = String(error).split('\n');
      log.error({ mistakes }, 'configuration not reloaded: it has mistakes, the old one stays');
      noteReload(opened.services, { result: 'failed', reason: 'mistakes', details: { mistakes: mistakes.length } });
    },
  });
  const services = (opened.services = await openServices({ configuration: watched.state, log }));
  return { services, log, first, cleanUp: () => watched.stop() };
}

/** The names of what changed, never the values. A database that is away at that moment stops no reload. */
function noteReload(services: Services | undefined, event: Omit<AuditEvent, 'action'>): void {
  if (!services) return;
  const { log, db } = services;
  insertEvent(services, db, { action: 'configuration_reloaded', actor: null, ...event }).catch((error: unknown) =>
    log.error({ err: error, action: 'configuration_reloaded' }, 'the audit log could not be written'),
  );
}

/** About what runs Gatehouse, as opposed to how it is configured. */
function processWarnings(): string[] {
  const asRoot = process.getuid?.() === 0;
  return [
    nodeWarning(process.version) ?? [],
    asRoot ? 'running as root: give Gatehouse a user of its own, so that a hole in it is not one in the machine' : [],
  ].flat();
}

interface Stoppable {
  server: RunningServer;
  log: Log;
  byNpm: boolean;
  cleanUp: () => void | Promise<void>;
}

export function isByNpm({ env }: CommandContext): boolean {
  return env['npm_lifecycle_event'] !== undefined;
}

function warn(log: Log, { warnings }: LoadedConfig): void {
  for (const warning of warnings) log.warn(warning);
}

/**
 * SIGTERM and SIGINT stop gracefully, a bug that nobody caught stops with exit code 1. Started by npm the signals
 * reach npm and its shell only; when these are gone the server goes, too, instead of keeping the port as an orphan.
 */
export function stopOnSignals({ server, log, byNpm, cleanUp }: Stoppable): void {
  let stopping = false;
  const stop = (exitCode: number) => {
    if (stopping) return;
    stopping = true;
    void Promise.all([server.stop({ atOnce: exitCode !== 0 }), cleanUp()]).finally(() => process.exit(exitCode));
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'stopping');
      stop(0);
    });
  }
  const parent = process.ppid;
  if (byNpm) setInterval(() => process.ppid !== parent && stop(0), 500).unref();
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'a bug: unhandled rejection; stopping');
    stop(1);
  });
}
