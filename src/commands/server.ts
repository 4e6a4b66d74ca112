// A running web server: listens, sweeps away what has expired, stops without cutting anybody off.
import type { Server } from 'node:http';
import { createApp } from '../app.ts';
import { Flows } from '../accounts/flows.ts';
import { ensureRoot } from '../accounts/root.ts';
import type { Services } from '../services.ts';
import { createHttpServer, tellOfRefused } from '../web/http-server.ts';
import { Limits } from '../web/limits.ts';
import { sweepSessions } from '../web/session-store.ts';
import { CommandFailed } from './command.ts';

const SWEEP_EVERY_MS = 10 * 60_000;
/** How long requests under way may take to end after a signal to stop. */
const DRAIN_MS = 10_000;

export interface RunningServer {
  /** Stops taking requests, lets those under way end, closes the services. */
  stop(): Promise<void>;
}

/** Closes the services when it fails. @throws CommandFailed when the port is taken or may not be used */
export async function startServer(services: Services): Promise<RunningServer> {
  try {
    return await start(services);
  } catch (error) {
    await services.close();
    throw error;
  }
}

async function start(services: Services): Promise<RunningServer> {
  const { host, port } = services.config().listen;
  await ensureRoot(services);
  const server = createHttpServer().on('request', createApp(services));
  tellOfRefused(server, services.log, services.now);
  await listen(server, host, port);
  const sweeper = setInterval(() => void sweep(services), SWEEP_EVERY_MS).unref();
  return {
    stop: async () => {
      clearInterval(sweeper);
      await drain(server);
      await services.close();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen(port, host, resolve);
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') {
    return new CommandFailed(`port ${port} is in use. Stop what uses it, or choose another: PORT=${port + 10}`);
  }
  if (error.code === 'EACCES')
    return new CommandFailed(`port ${port} may not be used by this user. Choose one above 1023: PORT=3000`);
  if (error.code === 'EADDRNOTAVAIL')
    return new CommandFailed(`this machine has no address ${host}. Check listen.host (GATEHOUSE_HOST)`);
  return error;
}

async function sweep(services: Services): Promise<void> {
  const { db, now, log } = services;
  try {
    await new Flows(services).sweep();
    await new Limits(db, now).sweep();
    await sweepSessions(db, now());
    await services.database.dialect.reclaim(db);
  } catch (error) {
    log.warn({ err: error }, 'expired records could not be removed; trying again later');
  }
}

/** Lets requests under way end, and keeps no connection open for a next one: clients and proxies go to another server. */
async function drain(server: Server): Promise<void> {
  server.prependListener('request', (_req, res) => res.setHeader('Connection', 'close'));
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await new Promise((resolve) => server.close(resolve));
  clearInterval(idle);
  clearTimeout(cut);
}
