// Answers changed by a fault: a value in, a value out, nothing sent.
import type { OutgoingHttpHeaders } from 'node:http';
import type { Fault, ReshapingFault } from './faults.ts';
import { selectFields } from './fields.ts';

export interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
}

/** The answer as this fault would have it; faults that only concern the sending leave it alone. */
export function reshape(fault: Fault, answer: Answer): Answer {
  switch (fault.kind) {
    case 'answer':
      return replace(fault, answer);
    case 'change':
      return { ...answer, body: toJson({ ...parseObject(answer.body), ...fault.json }) };
    case 'without':
      return { ...answer, body: toJson(selectFields(parseObject(answer.body), fault.paths, null)) };
    case 'redirect':
      return { ...answer, status: fault.status ?? 302, headers: { ...answer.headers, location: fault.to } };
    case 'pad':
      return { ...answer, body: toJson({ ...parseObject(answer.body), padding: 'x'.repeat(fault.bytes) }) };
    case 'deepJson':
      return { ...answer, body: Buffer.from('['.repeat(fault.depth) + ']'.repeat(fault.depth)) };
    default:
      return recode(fault, answer);
  }
}

/** The same content in another encoding or under another type. */
function recode(fault: Fault, answer: Answer): Answer {
  switch (fault.kind) {
    case 'html':
      return withType(answer, 'text/html; charset=utf-8', answer.body);
    case 'form':
      return withType(answer, 'application/x-www-form-urlencoded', toForm(parseObject(answer.body)));
    case 'utf16le':
      return { ...answer, body: Buffer.from(answer.body.toString('utf8'), 'utf16le') };
    case 'invalidUtf8':
      return { ...answer, body: spoil(answer.body) };
    default:
      return answer;
  }
}

/** Does the fault bring its own body, so that the request need not be acted on? */
export function replacesBody(fault: Fault): boolean {
  return fault.kind === 'answer' && ('json' in fault || fault.text !== undefined || fault.bytes !== undefined);
}

function replace(fault: ReshapingFault & { kind: 'answer' }, answer: Answer): Answer {
  let { body } = answer;
  if ('json' in fault) body = toJson(fault.json);
  else if (fault.text !== undefined) body = Buffer.from(fault.text);
  else if (fault.bytes !== undefined) body = fault.bytes;
  const added = Object.entries(fault.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  return { status: fault.status ?? answer.status, headers: { ...answer.headers, ...Object.fromEntries(added) }, body };
}

function withType(answer: Answer, type: string, body: Buffer): Answer {
  return { ...answer, headers: { ...answer.headers, 'content-type': type }, body };
}

function parseObject(body: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value) ?? '');
}

function toForm(object: Record<string, unknown>): Buffer {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(object)) {
    form.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return Buffer.from(form.toString());
}

function spoil(body: Buffer): Buffer {
  const name = '"display_name":"';
  const start = body.includes(name) ? body.indexOf(name) + name.length : body.indexOf('":"') + 3;
  return Buffer.concat([body.subarray(0, start), Buffer.from([0xff]), body.subarray(start)]);
}
