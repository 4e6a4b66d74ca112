// Bitbucket says in its answers what it is about to take away, and what it has taken away: read before it hurts.
import type { FailureEndpoint } from './failure.ts';
import { headerOf } from './http-body.ts';
import type { HttpReply } from './http.ts';

/** Numbers, dates and names of ours; nothing of it is foreign text. */
export interface ChangeNotice {
  /** What was asked for. */
  endpoint: FailureEndpoint;
  /** Entry of Bitbucket's changelog, `CHANGE-3071`, where the answer names one. */
  change: string | undefined;
  /** It was refused for that reason: it works no longer. */
  gone: boolean;
  /** Milliseconds since the epoch: since when it is called deprecated, and when it ends. */
  deprecatedAt: number | undefined;
  endsAt: number | undefined;
}

/** As much of a body as names the change; error bodies are short. */
const LOOKED_AT = 4096;

/**
 * Reads `Deprecation`, `Sunset`, and the bodies of 410 and 401. A 401 counts only when it names a change: any other one
 * is about the token.
 * @see https://www.rfc-editor.org/rfc/rfc9745
 * @see https://www.rfc-editor.org/rfc/rfc8594
 */
export function changeNoticeOf(reply: HttpReply): ChangeNotice | undefined {
  const [deprecation, sunset] = [headerOf(reply, 'deprecation'), headerOf(reply, 'sunset')];
  const refused = reply.status === 410 || reply.status === 401;
  const named = refused ? changeIn(reply.text.slice(0, LOOKED_AT)) : undefined;
  const gone = reply.status === 410 || named !== undefined;
  if (!gone && deprecation === undefined && sunset === undefined) return undefined;
  return {
    endpoint: reply.endpoint,
    change: named ?? changeIn(String(reply.headers['link'] ?? '').slice(0, LOOKED_AT)),
    gone,
    deprecatedAt: timeOf(deprecation),
    endsAt: timeOf(sunset),
  };
}

function changeIn(text: string): string | undefined {
  return /\bCHANGE-\d{1,6}\b/.exec(text)?.[0];
}

const EARLIEST = Date.UTC(2015, 0);
const LATEST = Date.UTC(2100, 0);

/** `@1771545600` (RFC 9745), an HTTP date, or one that ends with "UTC" as Bitbucket has sent it. Anything else is no date. */
function timeOf(header = ''): number | undefined {
  const seconds = /^@(\d{1,11})$/.exec(header)?.[1];
  const isDate = /^[A-Za-z]{3}, \d{1,2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} (GMT|UTC)$/.test(header);
  const time = seconds !== undefined ? Number(seconds) * 1000 : isDate ? Date.parse(header) : NaN;
  return time >= EARLIEST && time <= LATEST ? time : undefined;
}
