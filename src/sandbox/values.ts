// Values inside objects of API 2.0: reading them by a dotted path and putting them in order.

/** Everything that lies at a dotted path; lists on the way are gone through. Empty where there is nothing. */
export function valuesAt(object: unknown, path: string): unknown[] {
  let found: unknown[] = [object];
  for (const key of path.split('.')) {
    found = found.flat().flatMap((value) => {
      const isObject = typeof value === 'object' && value !== null;
      if (isObject && Object.hasOwn(value, key)) return [(value as Record<string, unknown>)[key]];
      return value === null ? [null] : [];
    });
  }
  return found;
}

/** Negative, zero or positive; null comes first, numbers are compared as numbers and times as times. */
export function compareValues(a: unknown, b: unknown): number {
  return compareOrders(orderOf(a), orderOf(b));
}

/** A value as something that can be compared quickly: times are microseconds. */
export function orderOf(value: unknown): number | string {
  if (value === null || value === undefined) return -Infinity;
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return JSON.stringify(value);
  return microsecondsOf(value) ?? value;
}

export function compareOrders(a: number | string, b: number | string): number {
  if (a === b) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : 1;
  return typeof a === 'number' ? -1 : 1;
}

/** `Date` knows milliseconds only. */
function microsecondsOf(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d(T|$)/.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  const rest = (/\.(\d{1,6})/.exec(text)?.[1] ?? '').padEnd(6, '0').slice(3);
  return Number.isNaN(milliseconds) ? undefined : milliseconds * 1000 + Number(rest);
}
