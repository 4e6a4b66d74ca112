// A running web server: listens, sweeps away what has expired, stops without cutting anybody off.
import type { Server } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { createListener } from '../app.ts';
import { Flows } from '../accounts/flows.ts';
import { MembershipChecks } from '../accounts/membership-checks.ts';
import { sweepPendingLinks } from '../accounts/pending-links.ts';
import { ensureRoot } from '../accounts/root.ts';
import { sweepSignInLinks } from '../accounts/sign-in-links.ts';
import { sweepEvents } from '../audit/store.ts';
import { ImportWorker } from '../imports/worker.ts';
import { removeDeletedFiles } from '../projects/deleted.ts';
import type { Services } from '../services.ts';
import { sweepSessions } from '../web/account-sessions.ts';
import { createHttpServer, tellOfRefused } from '../web/http-server.ts';
import { Limits } from '../web/limits.ts';
import { handedOverSocket, listen, stopListening } from './listening.ts';

const SWEEP_EVERY_MS = 10 * 60_000;
/** The first time soon: a server that is restarted more often than that would never sweep. */
const FIRST_SWEEP_MS = 5000;
/** How long requests under way may take to end after a signal to stop. */
const DRAIN_MS = 10_000;

export interface RunningServer {
  /** Tells load balancers, stops taking requests, lets those under way end, closes the services. `atOnce`: tells nobody. */
  stop(how?: { atOnce: boolean }): Promise<void>;
}

/**
 * Closes the services when it fails. `withJobs`: works on imports, too.
 * @param env may name a socket that systemd hands over. @throws CommandFailed when the port is taken or may not be used
 */
export async function startServer(
  services: Services,
  { env = {}, withJobs = true }: { env?: NodeJS.ProcessEnv; withJobs?: boolean } = {},
): Promise<RunningServer> {
  try {
    return await start(services, env, withJobs);
  } catch (error) {
    await services.close();
    throw error;
  }
}

async function start(services: Services, env: NodeJS.ProcessEnv, withJobs: boolean): Promise<RunningServer> {
  const { host, port } = services.config().listen;
  const socket = handedOverSocket(env);
  await ensureRoot(services);
  const server = createHttpServer().on('request', createListener(services));
  tellOfRefused(server, services.log, services.now);
  await listen(server, { host, port, socket });
  const sweeper = setInterval(() => void sweep(services), SWEEP_EVERY_MS).unref();
  const firstSweep = setTimeout(() => void sweep(services), FIRST_SWEEP_MS).unref();
  const checks = new MembershipChecks(services).start();
  const worker = withJobs ? new ImportWorker(services).start() : undefined;
  return {
    stop: async ({ atOnce } = { atOnce: false }) => {
      clearInterval(sweeper);
      clearTimeout(firstSweep);
      await Promise.all([
        checks.stop(),
        worker?.stop(),
        leave(server, services, atOnce ? 0 : services.config().listen.leave_seconds),
      ]);
      await services.close();
    },
  };
}

async function sweep(services: Services): Promise<void> {
  const { db, now, log } = services;
  try {
    await new Flows(services).sweep();
    await new Limits(db, now).sweep();
    await sweepSessions(db, now());
    await sweepPendingLinks(db, now());
    await sweepSignInLinks(db, now());
    await sweepEvents(db, now(), services.config().audit.keep_days);
    await removeDeletedFiles(services);
    await services.database.dialect.reclaim(db);
  } catch (error) {
    log.warn({ err: error }, 'expired records could not be removed; trying again later');
  }
}

/**
 * Says that it goes away and goes on serving for a while, so that load balancers that ask send nobody any
 * more; then lets requests under way end. Each answer from the signal on is the last one on its connection.
 */
async function leave(server: Server, services: Services, leaveSeconds: number): Promise<void> {
  services.leaving = true;
  server.prependListener('request', (_req, res) => res.setHeader('Connection', 'close'));
  await wait(leaveSeconds * 1000);
  const ended = stopListening(server);
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await ended;
  clearInterval(idle);
  clearTimeout(cut);
}
