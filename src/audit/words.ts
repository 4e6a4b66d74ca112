// The audit log in words: what its actions, results and reasons mean to whoever reads it.
import type { AuditRow } from '../db/tables.ts';
import { errorKinds } from '../errors.ts';
import { AUDIT_ACTIONS } from './record.ts';

/** Reasons that are no error codes, and codes whose headings are for whoever has just met the error. */
const REASONS = {
  invalid_credentials: 'wrong password',
  access_denied: 'cancelled at Bitbucket',
  pending_approval: 'the account waits for approval',
  blocked: 'the account is blocked',
  not_member: 'in no admitted workspace',
  signup_disabled: 'new accounts are off',
  email_taken: 'somebody came with the same e-mail address',
  auto_link_user: 'the same verified e-mail address on both sides (auto_link_user)',
  last_administrator: 'the last administrator',
  last_way_in: 'the last way in',
  active: 'came in at once',
  waiting: 'has to be approved',
  others: 'all other devices',
  command_line: 'by a command on the server',
  first_start: 'at the first start',
  owner: 'by its owner',
  administrator: 'by an administrator',
};

export const AUDIT_RESULTS = { ok: 'done', refused: 'refused', failed: 'failed' } as const;

export function actionInWords(action: string): string {
  return wordsIn(AUDIT_ACTIONS, action) ?? action;
}

export function resultInWords(result: string): string {
  return wordsIn(AUDIT_RESULTS, result) ?? result;
}

/** @returns the words of our own table, else those of the error of that name, else the reason as it is */
export function reasonInWords(reason: string): string {
  return wordsIn(REASONS, reason) ?? wordsIn(HEADINGS, reason) ?? reason.replaceAll('_', ' ');
}

/** @returns the actions and reasons whose words have that text in them: what is read on the pages is found by it */
export function codesInWords(text: string): { actions: string[]; reasons: string[] } {
  const codesOf = (table: Record<string, string>) =>
    Object.entries(table).flatMap(([code, words]) => (words.toLowerCase().includes(text.toLowerCase()) ? [code] : []));
  return { actions: codesOf(AUDIT_ACTIONS), reasons: codesOf({ ...HEADINGS, ...REASONS }) };
}

const HEADINGS = Object.fromEntries(Object.entries(errorKinds).map(([code, { heading }]) => [code, heading]));

function wordsIn(table: Record<string, string>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}

/** What an event says beside its columns, as pairs to show. Written by us as JSON; read back with care all the same. */
export function detailsOf({ details }: Pick<AuditRow, 'details'>): [name: string, value: string][] {
  const read = parseDetails(details);
  return Object.entries(read ?? {}).map(([name, value]) => [
    name.replaceAll('_', ' '),
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}

/** @returns null when there are none */
export function parseDetails(details: string | null): Record<string, unknown> | null {
  if (details === null) return null;
  const value: unknown = JSON.parse(details);
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : { value };
}
