// Which addresses the server may connect to on somebody else's word: public ones only, checked before the connection is
// made, and then exactly the checked ones.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { GitFailure } from './failure.ts';

/** Gives all addresses of a host name; tests put names of their own here. */
export type Lookup = (hostname: string) => Promise<string[]>;

export const lookupAll: Lookup = async (hostname) =>
  (await lookup(hostname, { all: true })).map(({ address }) => address);

/** Special-purpose IPv4 (RFC 6890 and its registry): this host, private, shared, link-local with cloud metadata, tests, multicast. */
const SPECIAL_IPV4 = new BlockList();
for (const range of [
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24',
  '192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
].flatMap((line) => line.split(' '))) {
  const [net = '', bits] = range.split('/');
  SPECIAL_IPV4.addSubnet(net, Number(bits), 'ipv4');
}

/** Of IPv6 only global unicast is public, and not the parts of it that lead into IPv4 (Teredo, 6to4) or into documents. */
const GLOBAL_IPV6 = new BlockList();
GLOBAL_IPV6.addSubnet('2000::', 3, 'ipv6');
const SPECIAL_IPV6 = new BlockList();
SPECIAL_IPV6.addSubnet('2001::', 23, 'ipv6');
SPECIAL_IPV6.addSubnet('2001:db8::', 32, 'ipv6');
SPECIAL_IPV6.addSubnet('2002::', 16, 'ipv6');
SPECIAL_IPV6.addSubnet('3fff::', 20, 'ipv6');

/** Whether an IP address is one of the public internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !SPECIAL_IPV4.check(address, 'ipv4');
  return family === 6 && GLOBAL_IPV6.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6');
}

/** Whether this URL stays on this machine by its own words: a stand-in, for which http will do. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(url.hostname);
}

/** Host of a URL, of an IPv6 address without its brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/**
 * Gives the addresses that a URL may be fetched from: those of its host that are public, or any for a loopback URL.
 * @throws GitFailure `failed` when it has none but private ones, `network` when the name is not known
 */
export async function allowedAddresses(url: URL, look: Lookup = lookupAll): Promise<string[]> {
  const host = hostOf(url);
  const all = isIP(host) ? [host] : await look(host).catch(() => []);
  if (all.length === 0) throw new GitFailure('network', 'the name of the host is not known');
  if (isLoopback(url)) return all;
  const allowed = all.filter(isPublicAddress);
  if (allowed.length === 0) throw new GitFailure('failed', 'the host has no public address');
  return allowed;
}
