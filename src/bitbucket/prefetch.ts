// Browsers may load links ahead of a click.
import type { IncomingMessage } from 'node:http';

/** Whether nobody has clicked yet: opening the callback so would use up a state and a code (CB-058). */
export function isPrefetch({ headers }: IncomingMessage): boolean {
  return /\bprefetch\b/i.test(`${String(headers['sec-purpose'])} ${String(headers['purpose'])}`);
}
