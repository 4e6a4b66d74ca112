// People who sign in and out for as long as something goes wrong. What one of them was told is a promise, and is kept
// account of; a request without an answer may or may not have had its effect, and promises nothing.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { PUBLIC_URL, wait } from './nodes.ts';
import { Visitor } from './visitor.ts';

interface Place {
  sandbox: Sandbox;
  port: number;
  /** Keys of people of the sandbox; one may be named more than once, with a browser each. */
  people: string[];
}

export class Crowd {
  readonly #place: Place;
  /** Signed in as this person, or (null) signed out for good. */
  readonly #promises = new Map<Visitor, string | null>();
  #going: Promise<void[]> = Promise.resolve([]);
  #over = false;

  constructor(place: Place) {
    this.#place = place;
  }

  start(): void {
    this.#over = false;
    const going = this.#place.people.map(async (person) => {
      while (!this.#over) await this.#visit(person);
    });
    this.#going = Promise.all(going);
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#going;
  }

  /** Waits until so many were promised something. @throws what one of them has met that must not be */
  async untilPromised(count: number): Promise<void> {
    while (this.#promises.size < count) await Promise.race([this.#going, wait(5)]);
  }

  /** Every promise is kept. @returns how many there were */
  async check(): Promise<number> {
    const { size } = this.#promises;
    for (const [visitor, person] of this.#promises) expect(await visitor.whoAmI()).toBe(person ?? 401);
    this.#promises.clear();
    return size;
  }

  async #visit(person: string): Promise<void> {
    const { sandbox, port } = this.#place;
    const visitor = new Visitor({ url: PUBLIC_URL, port });
    if (!(await done(visitor.signIn(sandbox, person)))) return wait(20);
    this.#promises.set(visitor, person);
    // Without a seed: what the process is doing meanwhile could not be repeated anyway.
    await wait(Math.random() * 40);
    if (Math.random() < 0.3) return;
    const thief = visitor.withCookiesOf(visitor);
    this.#promises.delete(visitor); // while it is under way, either may be true
    if (!(await done(visitor.signOut()))) return;
    this.#promises.set(visitor, null);
    this.#promises.set(thief, null);
  }
}

/** Whether it was said to be done. Trouble has to look like trouble: no answer at all, or 503. */
async function done(asked: Promise<{ status: number }>): Promise<boolean> {
  const status = await asked.then(
    (answer) => answer.status,
    () => 0,
  );
  expect([303, 503, 0]).toContain(status);
  return status === 303;
}
