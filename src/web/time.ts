// Times for people, with the exact value beside it.
let format: Intl.DateTimeFormat | undefined; // made at its first use: that takes longer than loading ten files

const EXACT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' });

/** @param ms since the epoch */
export function timeOf(ms: number): { iso: string; text: string } {
  const date = new Date(ms);
  format ??= new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  return { iso: date.toISOString(), text: `${format.format(date)} UTC` };
}

/** With seconds, for what is put in order by them. */
export function exactTimeOf(ms: number): { iso: string; text: string } {
  return { ...timeOf(ms), text: `${EXACT.format(new Date(ms))} UTC` };
}
