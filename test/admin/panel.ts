// What administrators do at their pages.
import type { Answer, Browser } from '../support/people.ts';
import { csrfOf } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

export async function stateOf({ services }: TestApp, id: number): Promise<string | undefined> {
  const found = services.db.selectFrom('accounts').select('state').where('id', '=', id);
  return (await found.executeTakeFirst())?.state;
}

/** Sends a form of the administration, with the token of a page of theirs. */
export async function send(browser: Browser, path: string, fields: Record<string, string> = {}): Promise<Answer> {
  const _csrf = csrfOf(await browser.get('/admin').expect(200));
  return browser
    .post(path)
    .type('form')
    .send({ _csrf, ...fields });
}

/** What the next page says was done. */
export async function follow(browser: Browser, answer: Answer): Promise<string> {
  expect(answer.status).toBe(303);
  return (await browser.get(String(answer.headers['location'])).expect(200)).text;
}

/** Of whoever is made with a password here. */
export const PASSWORD = 'the same for every test';

export interface Event {
  action: string;
  result: string;
  reason: string | null;
  actor_name: string | null;
  account_name: string | null;
  target: string | null;
  details: string | null;
}

export async function eventsOf({ services }: TestApp, action: string): Promise<Event[]> {
  const found = services.db.selectFrom('audit_events').where('action', '=', action).orderBy('id');
  return found.select(['action', 'result', 'reason', 'actor_name', 'account_name', 'target', 'details']).execute();
}

/** For supertest: the body as the text it is, whatever its type. */
export function readText(res: Answer, done: (error: Error | null, text: unknown) => void): void {
  const chunks: Buffer[] = [];
  const stream = res as unknown as NodeJS.ReadableStream;
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => done(null, Buffer.concat(chunks).toString()));
}
