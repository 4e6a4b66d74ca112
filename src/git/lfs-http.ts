// HTTP towards the LFS batch API and the storage it names: only to hosts that are allowed, only to public addresses, and
// each with the headers that are meant for it and no others.
import type { Readable } from 'node:stream';
import { isIP, type LookupFunction } from 'node:net';
// Two files of it: the whole package, with fetch, caches and mocks, makes each start a fifth of a second longer.
import undiciRequest from 'undici/lib/api/api-request.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import type { Dispatcher } from 'undici';
import { allowedAddresses, hostOf, isLoopback, isPublicAddress, type Lookup } from './addresses.ts';
import { diskFailureOf, GitFailure, type GitFailureReason } from './failure.ts';

export interface LfsHttp {
  /** Sends JSON and gives the body of a 200. @throws GitFailure */
  post: (url: string, headers: Record<string, string>, body: string) => Promise<string>;
  /** Opens a file; redirects are followed, without the headers where they lead to another host. @throws GitFailure */
  open: (url: string, headers: Record<string, string>, timeoutMs: number) => Promise<Readable>;
  close: () => Promise<void>;
}

export interface LfsHttpOptions {
  batchUrl: string;
  allowedHosts?: readonly string[];
  signal?: AbortSignal | undefined;
  lookup?: Lookup | undefined;
}

const CONNECT_MS = 5000;
const IDLE_MS = 60_000;
const MAX_REPLY_BYTES = 4 * 1024 * 1024;
const MAX_REDIRECTS = 3;
const MAX_HEADERS = 20;
/** What frames a request or says where it goes is ours to say. */
const NOT_THEIRS =
  /^(host|connection|content-length|transfer-encoding|upgrade|keep-alive|te|trailer|expect|proxy-.*|cookie)$/i;

/** Opens no connection yet. */
export function createLfsHttp(options: LfsHttpOptions): LfsHttp {
  const agent = new Agent({
    connect: {
      timeout: CONNECT_MS,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      lookup: publicLookup(options.lookup),
    },
    autoSelectFamily: true,
    pipelining: 1,
    headersTimeout: IDLE_MS,
    bodyTimeout: IDLE_MS,
    maxHeaderSize: 16 * 1024,
  });
  const send = async (url: URL, more: Partial<Dispatcher.RequestOptions>, timeoutMs: number) => {
    const late = AbortSignal.timeout(timeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
    try {
      const { origin, pathname, search } = url;
      return await undiciRequest.call(agent, { origin, path: pathname + search, method: 'GET', signal, ...more });
    } catch (error) {
      throw networkFailure(error, options.signal);
    }
  };
  return {
    post: async (url, headers, body) => {
      const reply = await send(requireAllowed(url, options), { method: 'POST', headers, body }, IDLE_MS);
      if (reply.statusCode !== 200) throw statusFailure(reply);
      return readText(reply, options.signal);
    },
    open: async (url, headers, timeoutMs) => {
      let target = requireAllowed(url, options);
      let sent: Record<string, string> = theirHeaders(headers);
      for (let hops = 0; ; hops += 1) {
        // Uncompressed, so that what is counted is what is kept.
        const reply = await send(target, { headers: { ...sent, 'accept-encoding': 'identity' } }, timeoutMs);
        if (reply.statusCode === 200) return requirePlain(reply);
        const { location } = reply.headers;
        const isRedirect = [301, 302, 303, 307, 308].includes(reply.statusCode) && typeof location === 'string';
        if (!isRedirect || hops === MAX_REDIRECTS) throw statusFailure(reply);
        discard(reply);
        const next = requireAllowed(location, options, target);
        if (next.origin !== target.origin) sent = {};
        target = next;
      }
    },
    close: () => agent.destroy(),
  };
}

/** @throws GitFailure for an address that the batch call, or a redirect, must not lead to */
function requireAllowed(text: string, options: LfsHttpOptions, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
  if (!url || url.username || url.password) throw new GitFailure('failed', 'the address of the file is not usable');
  if (isOfStandIn(url, options) || isOfStorage(url, options)) return url;
  const next = 'a clone from Bitbucket with Git LFS brings it to a machine of yours';
  throw new GitFailure(
    'failed',
    `it lies at ${placeOf(url)}, and this server asks Bitbucket's own storage only; ${next}`,
  );
}

/** What a person can look into; the parser leaves letters, digits, dots and dashes of the name of a host. */
function placeOf({ protocol, host }: URL): string {
  return /^https?:$/.test(protocol) && host.length <= 255 ? `${protocol}//${host}` : 'an address of another kind';
}

/** Where the batch URL is a stand-in on loopback: loopback at the same port. */
function isOfStandIn(url: URL, { batchUrl }: LfsHttpOptions): boolean {
  const batch = new URL(batchUrl);
  return isLoopback(batch) && isLoopback(url) && url.port === batch.port && /^https?:$/.test(url.protocol);
}

/** https at the usual port, to the host of the batch URL or to one that is allowed. */
function isOfStorage(url: URL, { batchUrl, allowedHosts = [] }: LfsHttpOptions): boolean {
  const isListed = [new URL(batchUrl).hostname, ...allowedHosts].some((host) => matches(url.hostname, host));
  const isPublic = isIP(hostOf(url)) === 0 || isPublicAddress(hostOf(url));
  return url.protocol === 'https:' && url.port === '' && isListed && isPublic;
}

function matches(hostname: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern;
}

/** Resolves names to public addresses only, at the moment of connecting: what was checked is what is connected to. */
function publicLookup(look: Lookup | undefined): LookupFunction {
  return (hostname, { all }, done) => {
    allowedAddresses(new URL(`https://${hostname}/`), look).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (all) done(null, found);
        else done(null, found[0]?.address ?? '', found[0]?.family);
      },
      (error: NodeJS.ErrnoException) => done(error, ''),
    );
  };
}

function theirHeaders(headers: Record<string, string>): Record<string, string> {
  const theirs = Object.entries(headers).filter(([name]) => !NOT_THEIRS.test(name));
  if (theirs.length > MAX_HEADERS) throw new GitFailure('failed', 'too many headers for the file');
  return Object.fromEntries(theirs);
}

function requirePlain(reply: Dispatcher.ResponseData): Readable {
  const encoding = reply.headers['content-encoding'];
  if (encoding === undefined || encoding === 'identity') return reply.body;
  discard(reply);
  throw new GitFailure('failed', 'the file is compressed');
}

async function readText(reply: Dispatcher.ResponseData, signal: AbortSignal | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of reply.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_REPLY_BYTES) throw new GitFailure('failed', 'the answer of the LFS server is too long');
      chunks.push(chunk);
    }
  } catch (error) {
    throw networkFailure(error, signal);
  }
  return Buffer.concat(chunks).toString();
}

/** The body of an answer that is of no use must still be taken or dropped, or its connection stays. */
function discard(reply: Dispatcher.ResponseData): void {
  reply.body.on('error', () => undefined).destroy();
}

function statusFailure(reply: Dispatcher.ResponseData): GitFailure {
  const status = reply.statusCode;
  discard(reply);
  return new GitFailure(reasonOf(status), `the LFS server answered with status ${status}`);
}

function reasonOf(status: number): GitFailureReason {
  if (status === 401 || status === 403) return 'refused';
  if (status === 404 || status === 410) return 'not_found';
  return status === 408 || status === 429 || status >= 500 ? 'network' : 'failed';
}

/** An error of the HTTP client holds the request, and with it headers: only its code goes on. */
export function networkFailure(error: unknown, signal: AbortSignal | undefined): GitFailure {
  if (error instanceof GitFailure) return error;
  // A mistake of ours, which nobody should try three times.
  if (error instanceof TypeError || error instanceof RangeError) throw error;
  if (signal?.aborted) return new GitFailure('cancelled');
  const disk = diskFailureOf(error);
  if (disk) return disk;
  const code = codeOf(error);
  return new GitFailure('network', code ? `the LFS server: ${code}` : 'the LFS server did not answer in time');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
