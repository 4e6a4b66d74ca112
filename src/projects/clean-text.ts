// Foreign text at the border of the database.

/**
 * PostgreSQL keeps no NUL, and half a surrogate pair is no text in UTF-8: both become U+FFFD, the sign for "something
 * unreadable stood here", and everything around them stays as it was.
 */
export function cleanText(text: string): string {
  return text.replace(/\0/g, '\uFFFD').replace(HALF_PAIR, '\uFFFD');
}

/** The same for every text in a value that is kept as JSON, where they would hide behind backslashes. */
export function cleanJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'string' ? cleanText(each) : each));
}

/** With the flag u, a whole pair is one character and none of this class. */
const HALF_PAIR = /\p{Cs}/gu;

/** The same for every text of a row; other values stay as they are. */
export function cleanRow<T extends object>(row: T): T {
  const cleaned = Object.entries(row).map(([name, value]: [string, unknown]): [string, unknown] => [
    name,
    typeof value === 'string' ? cleanText(value) : value,
  ]);
  return Object.fromEntries(cleaned) as unknown as T;
}
