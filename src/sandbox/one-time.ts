// Values that are handed out under a random name, taken back at most once, and forgotten after a while.
import { randomBytes } from 'node:crypto';

const MAX_KEPT = 10_000;

export class OneTime<T> {
  readonly #now: () => number;
  readonly #note: (name: string) => void;
  readonly #kept = new Map<string, { value: T; expiresAt: number }>();

  /** @param note is told every name that is handed out */
  constructor(now: () => number, note: (name: string) => void = () => undefined) {
    this.#now = now;
    this.#note = note;
  }

  /** Keeps a value for `lifeMs` milliseconds and returns its name. The oldest gives way when too many are kept. */
  put(value: T, lifeMs: number): string {
    const name = randomBytes(18).toString('base64url');
    this.#note(name);
    this.#kept.set(name, { value, expiresAt: this.#now() + lifeMs });
    if (this.#kept.size > MAX_KEPT) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return name;
  }

  /** The value, once; `undefined` for unknown, used and stale names. */
  take(name: string | null | undefined): T | undefined {
    const kept = name ? this.#kept.get(name) : undefined;
    if (!name || !kept) return undefined;
    this.#kept.delete(name);
    return kept.expiresAt > this.#now() ? kept.value : undefined;
  }
}
