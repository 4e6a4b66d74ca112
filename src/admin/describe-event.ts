// An event of the audit log as the pages show it, and as one line of the export.
import { actionInWords, detailsOf, parseDetails, reasonInWords, resultInWords } from '../audit/words.ts';
import type { AuditRow } from '../db/tables.ts';
import { exactTimeOf, timeOf } from '../web/time.ts';

interface Named {
  /** null = there is no such account, or none is known. */
  id: number | null;
  name: string;
}

export function describeEvent(row: AuditRow) {
  const actor = named(row.actor_id, row.actor_name);
  const account = named(row.account_id, row.account_name);
  return {
    id: row.id,
    at: exactTimeOf(row.at),
    action: actionInWords(row.action),
    result: row.result,
    resultWords: resultInWords(row.result),
    reason: row.reason === null ? null : reasonInWords(row.reason),
    actor,
    // Said once when somebody did it to themselves.
    account: row.account_id === row.actor_id ? null : account,
    target: row.target,
    address: row.address,
    agent: row.agent,
    requestId: row.request_id,
    details: detailsOf(row),
  };
}

function named(id: number | null, name: string | null): Named | null {
  return name === null ? null : { id, name };
}

/** Columns that tell nothing more than the others do. */
const OUR_OWN = { search_text: undefined, notice: undefined };

/** Everything that the log has of an event, for scripts. */
export function eventAsJson(row: AuditRow) {
  return { ...row, at: timeOf(row.at).iso, details: parseDetails(row.details), ...OUR_OWN };
}

/** What JSON leaves as it is and programs that read lines, or a terminal, take for more than a letter. */
const TREACHEROUS = /[\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/**
 * One event as one line of JSON. JSON writes line breaks and quotes inside a text as escapes, so that no text of a
 * stranger begins a line of its own; each line begins with a brace, so that no spreadsheet takes one for a formula.
 */
export function lineOf(row: AuditRow): string {
  const line = JSON.stringify(eventAsJson(row));
  return `${line.replace(TREACHEROUS, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
