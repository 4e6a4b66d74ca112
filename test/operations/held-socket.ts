// A listening socket that outlives the processes that use it, as systemd holds one for gatehouse.socket.
import net from 'node:net';
import { closeAtEnd } from '../support/at-end.ts';

interface Handle {
  fd: number;
  close(): void;
}

/** What node:cluster is made of: binds without accepting. */
const { _createServerHandle: bind } = net as unknown as {
  _createServerHandle(host: string, port: number, type: number): Handle | number;
};

/** @returns the file descriptor to hand to a process that starts */
export function holdSocket(port: number): number {
  const handle = bind('127.0.0.1', port, 4);
  if (typeof handle === 'number') throw new Error(`cannot bind port ${port}: ${handle}`);
  closeAtEnd(() => handle.close());
  return handle.fd;
}
