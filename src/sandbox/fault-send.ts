// Answers sent the way a fault has it: in drops, in pieces, too short, too large, or never to the end.
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { Fault } from './faults.ts';
import type { Answer } from './fault-reshape.ts';

/** A pause inside a character, in milliseconds: long enough for two TCP segments. */
const DEFAULT_PAUSE_MS = 80;
const BLANKS_PER_MEMBER = 1024 * 1024;
const BYTES_PER_HEADER = 1000;

/** Writes the answer; faults that concern only its content are sent plainly. */
export function sendWithFault(fault: Fault, answer: Answer, response: ServerResponse): void {
  switch (fault.kind) {
    case 'stall':
      return stall(fault.at, answer, response);
    case 'truncate':
      return truncate(fault.missingBytes, answer, response);
    case 'drip':
      return drip(fault, answer, response);
    case 'splitMultibyte':
      return split(fault.pauseMs, answer, response);
    case 'gzipBomb':
      return sendGzipBomb(fault.bytes, answer, response);
    case 'hugeHeaders':
      return sendHugeHeaders(fault.bytes, answer, response);
    case 'interimFlood':
      return sendInterimFlood(fault.count, answer, response);
    default:
      return send(answer, response);
  }
}

function send(answer: Answer, response: ServerResponse): void {
  startAnswer(answer, response);
  response.end(answer.body);
}

function startAnswer(answer: Answer, response: ServerResponse, contentLength = answer.body.length): void {
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) response.setHeader(name, value);
  response.setHeader('Content-Length', contentLength);
  response.flushHeaders();
}

/** The rest never comes; closing the sandbox, or the client, ends the connection. */
function stall(at: 'accept' | 'headers' | 'body', answer: Answer, response: ServerResponse): void {
  startAnswer(answer, response);
  if (at === 'body') response.write(answer.body.subarray(0, Math.ceil(answer.body.length / 2)));
}

function truncate(missingBytes = 100, answer: Answer, response: ServerResponse): void {
  startAnswer(answer, response, answer.body.length + missingBytes);
  response.write(answer.body, () => response.socket?.end());
}

function drip(fault: { bytes: number; everyMs: number }, answer: Answer, response: ServerResponse): void {
  startAnswer(answer, response);
  let sent = 0;
  const timer = setInterval(() => {
    response.write(answer.body.subarray(sent, sent + fault.bytes));
    sent += fault.bytes;
    if (sent < answer.body.length) return;
    clearInterval(timer);
    response.end();
  }, fault.everyMs);
  response.once('close', () => clearInterval(timer));
}

function split(pauseMs = DEFAULT_PAUSE_MS, answer: Answer, response: ServerResponse): void {
  const first = answer.body.findIndex((byte) => byte >= 0xc0);
  const cut = first < 0 ? Math.ceil(answer.body.length / 2) : first + 1;
  response.socket?.setNoDelay(true);
  startAnswer(answer, response);
  response.write(answer.body.subarray(0, cut));
  const timer = setTimeout(() => response.end(answer.body.subarray(cut)), pauseMs);
  response.once('close', () => clearTimeout(timer));
}

/** Gzip files may be joined: the real body, then the same compressed blanks over and over (RFC 1952 section 2.2). */
function sendGzipBomb(bytes: number, answer: Answer, response: ServerResponse): void {
  const blanks = gzipSync(Buffer.alloc(BLANKS_PER_MEMBER, ' '));
  const first = gzipSync(answer.body);
  const members = Math.ceil(bytes / BLANKS_PER_MEMBER);
  startAnswer(
    { ...answer, headers: { ...answer.headers, 'content-encoding': 'gzip' } },
    response,
    first.length + members * blanks.length,
  );
  Readable.from(
    (function* () {
      yield first;
      for (let sent = 0; sent < members; sent += 1) yield blanks;
    })(),
  ).pipe(response);
}

function sendHugeHeaders(bytes: number, answer: Answer, response: ServerResponse): void {
  for (let sent = 0; sent < bytes; sent += BYTES_PER_HEADER) {
    response.setHeader(`X-Padding-${sent / BYTES_PER_HEADER}`, 'x'.repeat(BYTES_PER_HEADER));
  }
  send(answer, response);
}

function sendInterimFlood(count: number, answer: Answer, response: ServerResponse): void {
  for (let sent = 0; sent < count; sent += 1) response.writeContinue();
  send(answer, response);
}
