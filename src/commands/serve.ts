// `gatehouse serve`: the web server with the configuration of file and environment.
import type { LoadedConfig } from '../config/load.ts';
import { watchConfig } from '../config/reload.ts';
import { openLog } from '../log.ts';
import type { Log } from '../log.ts';
import { openServices } from '../services.ts';
import type { Command, CommandContext } from './command.ts';
import { loadConfiguration } from './command.ts';
import { nodeWarning } from './node-version.ts';
import type { RunningServer } from './server.ts';
import { startServer } from './server.ts';

export const serve: Command = async (context) => {
  const first = loadConfiguration(context);
  const log = openLog(first.config.log);
  warn(log, first);
  for (const warning of processWarnings()) log.warn(warning);
  const watched = watchConfig({
    initial: first,
    load: () => loadConfiguration(context),
    onReload: (loaded, needRestart) => {
      log.level = loaded.config.log.level;
      warn(log, loaded);
      log.info({ file: loaded.file, need_restart: needRestart }, 'configuration reloaded');
    },
    onBroken: (error) =>
      log.error(
        { mistakes: String(error).split('\n') },
        'configuration not reloaded: it has mistakes, the old one stays',
      ),
  });
  const services = await openServices({ config: watched.current, log });
  const server = await startServer(services, context.env);
  const { external_url, listen } = first.config;
  log.info(
    { external_url, ...listen, file: first.file ?? null, pid: process.pid },
    `Gatehouse is ready at ${external_url}`,
  );
  stopOnSignals({ server, log, byNpm: isByNpm(context), cleanUp: () => watched.stop() });
  return undefined;
};

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
