// The server below Express: how many may be connected, and how long they may take. Slow and idle clients cost a place
// each, so places end by themselves.
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { Log } from '../log.ts';

export interface ServerLimits {
  /** More are closed as they come. */
  maxConnections: number;
  /** From the connection, or from the first byte, to the last header. */
  headersMs: number;
  /** From the first byte to the last one of the body. */
  requestMs: number;
  /** Between two requests. */
  idleMs: number;
  /** Under way, with no byte in or out: somebody who asks and does not read the answers. */
  stillMs: number;
  /** How often headersMs and requestMs are looked at. */
  checkEveryMs: number;
}

export const SERVER_LIMITS: ServerLimits = {
  maxConnections: 5000,
  headersMs: 20_000,
  requestMs: 30_000,
  // Longer than the minute proxies keep idle connections, so that none sends a request into one we just closed.
  idleMs: 65_000,
  // Longer than anything we wait for: Bitbucket may take 15 seconds.
  stillMs: 60_000,
  checkEveryMs: 5000,
};

/** Listens nowhere yet, and does not know an application. */
export function createHttpServer(limits: ServerLimits = SERVER_LIMITS): Server {
  const server = createServer({
    connectionsCheckingInterval: limits.checkEveryMs,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
  });
  server.timeout = limits.stillMs;
  server.maxConnections = limits.maxConnections;
  // Node leaves out what comes after the 2,000th header, without a word: a second Host, a cookie. 16 KiB bound them all.
  server.maxHeadersCount = 0;
  return server;
}

const TELL_EVERY_MS = 60_000;

/** Tells of connections that were refused: at once, and then once a minute for as long as it goes on. */
export function tellOfRefused(server: Server, log: Log, now: () => number): void {
  let refused = 0;
  let tellFrom = 0;
  server.on('drop', () => {
    refused += 1;
    if (now() < tellFrom) return;
    log.warn({ refused, max_connections: server.maxConnections }, 'connections refused: there are too many');
    refused = 0;
    tellFrom = now() + TELL_EVERY_MS;
  });
}
