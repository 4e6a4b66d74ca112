// What a proxy in front has put into the very request that asks, and what Gatehouse makes of it.
import type { Request } from 'express';
import type { Site } from '../web/site.ts';
import type { Finding } from './findings.ts';

/** Shown; whoever sends the request writes them, so they are cut and never believed. */
const SHOWN = [
  'host',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
  'via',
];
const MAX_SHOWN = 300;

export interface SeenRequest {
  headers: { name: string; value: string }[];
  peer: string;
  /** Whether `trusted_proxies` names the peer. */
  peerTrusted: boolean;
  /** Whose request it is taken for. */
  client: string;
  findings: Finding[];
}

export function seeRequest(req: Request, site: Site): SeenRequest {
  const peer = req.socket.remoteAddress ?? 'unknown';
  const trusts = req.app.get('trust proxy fn') as (address: string, hop: number) => boolean;
  const peerTrusted = trusts(peer, 0);
  const headers = SHOWN.flatMap((name) => {
    const value = req.headers[name];
    return value === undefined ? [] : [{ name, value: String(value).slice(0, MAX_SHOWN) }];
  });
  const client = req.ip ?? 'unknown';
  return {
    headers,
    peer,
    peerTrusted,
    client,
    findings: [aboutClient(req, peer, peerTrusted), aboutScheme(req, site)],
  };
}

function aboutClient(req: Request, peer: string, peerTrusted: boolean): Finding {
  const about = 'client address';
  const isForwarded = req.headers['x-forwarded-for'] !== undefined;
  if (isForwarded && !peerTrusted) {
    const words = `X-Forwarded-For comes from ${peer}, which is no trusted proxy, so everybody counts as ${req.ip}`;
    return { state: 'warning', about, words, next: `if ${peer} is your proxy, add it to trusted_proxies and restart` };
  }
  if (peerTrusted && !isForwarded) {
    const words = `the trusted proxy ${peer} sends no X-Forwarded-For, so everybody behind it counts as one`;
    return { state: 'warning', about, words, next: 'let the proxy set X-Forwarded-For: docs/reverse-proxies.md' };
  }
  const how = isForwarded ? `as the trusted proxy ${peer} says` : 'the connection itself; no proxy has said otherwise';
  return { state: 'ok', about, words: `${req.ip}, ${how}` };
}

/** The scheme is known from external_url; a header that says otherwise means that people come by another way. */
function aboutScheme(req: Request, site: Site): Finding {
  const about = 'scheme';
  const said = req.headers['x-forwarded-proto'];
  const ours = site.https ? 'https' : 'http';
  if (said === undefined)
    return { state: 'ok', about, words: `${ours}, from external_url; no proxy has said otherwise` };
  if (said === ours) return { state: 'ok', about, words: `${ours}, from external_url and X-Forwarded-Proto alike` };
  const words = `X-Forwarded-Proto says otherwise than external_url (${ours})`;
  return { state: 'warning', about, words, next: 'let people come by the scheme of external_url, or change it' };
}
