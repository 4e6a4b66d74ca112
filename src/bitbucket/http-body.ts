// From the bytes of an answer to text, and from text to JSON.
import type { Dispatcher } from 'undici';
import { BitbucketFailure, type FailureEndpoint } from './failure.ts';
import type { HttpReply } from './http.ts';

/** Reads the whole body. @throws BitbucketFailure `failed` for a compressed answer: we asked for none */
export async function readBytes(endpoint: FailureEndpoint, reply: Dispatcher.ResponseData): Promise<Buffer> {
  const encoding = reply.headers['content-encoding'];
  const bytes = await reply.body.arrayBuffer();
  if (encoding !== undefined && encoding !== 'identity') {
    throw new BitbucketFailure('failed', endpoint, 'the answer is compressed', { remoteStatus: reply.statusCode });
  }
  return Buffer.from(bytes);
}

/**
 * Decodes a body once at the end, so that a character split over two packets stays whole.
 * @throws BitbucketFailure `failed` for one that is not UTF-8
 */
export function textOf(bytes: Buffer, endpoint: FailureEndpoint, remoteStatus: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BitbucketFailure('failed', endpoint, 'the answer is not UTF-8', { remoteStatus });
  }
}

/** Gives the parsed JSON of an answer, or `undefined` when it is not JSON by its content type or by its text. */
export function jsonOf(reply: HttpReply): unknown {
  // A page whose text happens to parse must not pass for an answer of the API: a login page, a proxy's greeting.
  if (!/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(headerOf(reply, 'content-type') ?? '')) return undefined;
  try {
    return JSON.parse(reply.text) as unknown;
  } catch {
    return undefined;
  }
}

/** Gives a header that was sent exactly once. */
export function headerOf(reply: HttpReply, name: string): string | undefined {
  const value = reply.headers[name];
  return typeof value === 'string' ? value : undefined;
}
