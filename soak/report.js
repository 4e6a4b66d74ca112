// The one table at the end: a line for each thing that has to hold.
import { table } from '../bench/report.js';

const MARKS = new Map([
  [true, '✓'],
  [false, '✗'],
  [undefined, '–'],
]);

export class Report {
  #rows = [];

  /**
   * A line of the table.
   * @param {object} row
   * @param {string} row.id of the case: R-01, PF-027 …
   * @param {string} row.what
   * @param {string} row.hold the figure to hold
   * @param {string} row.measured
   * @param {boolean | undefined} row.good undefined: nobody can tell on this machine at this moment
   */
  row({ id, what, hold, measured, good }) {
    const mark = MARKS.get(good);
    this.#rows.push([id, what, hold, measured, mark]);
    console.log(`  ${mark} ${id} ${what}: ${measured} (to hold: ${hold})`);
  }

  get good() {
    return this.#rows.every((row) => row.at(-1) !== MARKS.get(false));
  }

  get open() {
    return this.#rows.filter((row) => row.at(-1) === MARKS.get(undefined)).length;
  }

  toString() {
    return table(['case', 'what', 'to hold', 'measured', ''], this.#rows);
  }
}

/** What went wrong, by kind, and how often: `2 × no answer, 1 × status 500`, or the word for nothing. */
export function tally(counts, nothing = 'none') {
  const parts = Object.entries(counts).map(([kind, count]) => `${count} × ${kind}`);
  return parts.length === 0 ? nothing : parts.slice(0, 5).join(', ');
}

export function add(counts, kind, times = 1) {
  counts[kind] = (counts[kind] ?? 0) + times;
}

/** Adds the counts of one key of several results up. */
export function addUp(results, key) {
  const all = {};
  for (const result of results) for (const [kind, count] of Object.entries(result[key])) add(all, kind, count);
  return all;
}

/** Whether so many is enough: all that were wanted, or what fits into a short time that was asked for, but never none. */
export function isEnough(count, wanted, { limited }) {
  return count >= wanted || (limited && count > 0);
}

export function wantedText(wanted, { limited }) {
  return limited ? `${whole(wanted)}, or what fits into the time given` : whole(wanted);
}

export function whole(value) {
  return Math.round(value).toLocaleString('en-GB');
}

export function ms(value) {
  return value < 10 ? `${value.toFixed(1)} ms` : `${whole(value)} ms`;
}
