// Listening on loopback only: 127.0.0.1, and ::1 with the same port where this machine has it, because `localhost` may mean either.
import { createServer as createHttp, type RequestListener, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Listening {
  port: number;
  /** Ends every connection, also those that are stalled. */
  close: () => Promise<void>;
}

const TRIES_FOR_A_FREE_PORT = 5;
const NO_IPV6 = ['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EPROTONOSUPPORT'];

/**
 * @param port 0 for any free one.
 * @throws Error with code EADDRINUSE when the port is taken at either address.
 */
export async function listenOnLoopback(
  handler: RequestListener,
  port: number,
  tls: { key: string; cert: string } | undefined,
): Promise<Listening> {
  const make = (): Server => (tls ? createHttps(tls, handler) : createHttp(handler));
  for (let tries = 1; ; tries += 1) {
    const v4 = make();
    await listen(v4, port, '127.0.0.1');
    const chosen = (v4.address() as AddressInfo).port;
    const v6 = make();
    try {
      await listen(v6, chosen, '::1');
      return { port: chosen, close: () => closeAll([v4, v6]) };
    } catch (error) {
      if (NO_IPV6.includes(codeOf(error))) return { port: chosen, close: () => closeAll([v4]) };
      await closeAll([v4]);
      if (port !== 0 || codeOf(error) !== 'EADDRINUSE' || tries === TRIES_FOR_A_FREE_PORT) throw error;
    }
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function closeAll(servers: Server[]): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        }),
    ),
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
