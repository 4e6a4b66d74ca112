// Where the server listens, and how it stops listening without losing a request that is on its way.
import type { Server } from 'node:http';
import { CommandFailed } from './command.ts';

/** The first file descriptor that systemd hands over. @see https://www.freedesktop.org/software/systemd/man/sd_listen_fds.html */
const FIRST_HANDED_OVER = 3;
/** A turn of the event loop that is shorter than this did nothing but look for new connections. */
const QUIET_TURN_MS = 0.1;
/** Under a load that never pauses we stop listening all the same. */
const QUIET_WITHIN_MS = 1000;

export interface Place {
  host: string;
  port: number;
  /** A listening socket that was handed over, instead of one of our own. */
  socket: number | undefined;
}

/**
 * A socket that systemd listens on (gatehouse.socket) stays open while Gatehouse is restarted: connections wait in it.
 * @returns its file descriptor, undefined when there is none for this process. @throws CommandFailed when there are several
 */
export function handedOverSocket(env: NodeJS.ProcessEnv): number | undefined {
  if (env['LISTEN_PID'] !== String(process.pid) || env['LISTEN_FDS'] === undefined) return undefined;
  const count = Number(env['LISTEN_FDS']);
  if (count === 1) return FIRST_HANDED_OVER;
  throw new CommandFailed(
    `systemd hands over ${count} sockets, expected one. Leave one ListenStream in the socket unit`,
  );
}

/** @throws CommandFailed when the port is taken or may not be used */
export function listen(server: Server, { host, port, socket }: Place): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, host, port)));
    server.listen(socket === undefined ? { host, port } : { fd: socket }, resolve);
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

/**
 * Stops listening at a moment when no connection waits to be taken. The operating system resets those that do, and a
 * proxy does not send a form twice. What comes within the last tenth of a millisecond is still lost: no program can
 * close a socket of its own without that gap, only one that was handed over has none.
 * @returns when the last connection has ended
 */
export async function stopListening(server: Server): Promise<void> {
  let taken = 0;
  server.on('connection', () => (taken += 1));
  const deadline = performance.now() + QUIET_WITHIN_MS;
  return new Promise((resolve) => {
    const turn = () => {
      const [began, takenBefore] = [performance.now(), taken];
      // Runs after the event loop has asked for new connections.
      setImmediate(() => {
        const now = performance.now();
        const quiet = taken === takenBefore && now - began < QUIET_TURN_MS;
        if (quiet || now > deadline) server.close(() => resolve());
        else turn();
      });
    };
    turn();
  });
}
