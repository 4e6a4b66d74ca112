// The address of the client, as far as it can be believed.
import { isIP } from 'node:net';
import express from 'express';
import type { Express, Request } from 'express';

/**
 * Makes `req.ip` an address and nothing else. Express takes what trusted proxies wrote into X-Forwarded-For as it is:
 * some add the port, and each new connection would then count as another client. What is no address at all is replaced
 * by the peer's.
 */
export function useClientAddress(app: Express): void {
  const { get } = Object.getOwnPropertyDescriptor(express.request, 'ip') as { get(this: Request): string | undefined };
  Object.defineProperty(app.request, 'ip', {
    configurable: true,
    get(this: Request) {
      return plainAddress(get.call(this)) ?? plainAddress(this.socket.remoteAddress);
    },
  });
}

/** `198.51.100.7:4711`, `[2001:db8::1]:4711` and `::ffff:198.51.100.7` without what is not the address. */
function plainAddress(text: string | undefined): string | undefined {
  const address = (text ?? '')
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address;
}
