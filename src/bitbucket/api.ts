// API 2.0 read patiently: what fails for the moment is asked again, what comes in pages is read to the end, and no token
// goes anywhere but to the API.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { endpointsOf } from './endpoints.ts';
import { BitbucketFailure, type FailureEndpoint } from './failure.ts';
import { headerOf, jsonOf } from './http-body.ts';
import { unexpectedStatus } from './http-failure.ts';
import type { Http, HttpReply } from './http.ts';
import { askForPage } from './pagelen.ts';
import { missingScopeReply } from './replies.ts';
import type { RateState } from './wait.ts';
import { pauseBeforeRetry, rateStateOf } from './wait.ts';

export interface ApiOptions {
  url?: string | undefined;
  apiUrl?: string | undefined;
  http: Http;
  /** Gives `work` the value of an Authorization header; once more with a new one when it fails with status 401. */
  authorize: <T>(work: (authorization: string) => Promise<T>) => Promise<T>;
  /** Ends calls and pauses; then its reason is thrown. */
  signal: AbortSignal;
  /** Before each call; may wait, or throw. */
  beforeCall?: () => Promise<void>;
  /** After each answer, of whatever status. */
  onAnswer?: (rate: RateState | undefined) => void;
  /** Between calls; for tests. */
  pause?: (ms: number) => Promise<void>;
}

/** What is asked for. */
export interface Resource {
  endpoint: FailureEndpoint;
  /** Below the base of the API, with its query. */
  path: string;
  /** The scope that opens it, named when Bitbucket's own list cannot be read. */
  scope: string;
}

/** An entry of a list that nobody can make anything of. */
export interface Unreadable {
  /** As it came: text from outside. */
  value: unknown;
  /** Which field is wrong, by its path. */
  field: string;
}

/** What can be read of a list, and what cannot. */
export interface Listed<T> {
  items: T[];
  /** Entries that are not what the documents promise. */
  unreadable: Unreadable[];
}

/** One page of a list. */
export interface Page<T> extends Listed<T> {
  /** How many the whole list has, where it says so. */
  size: number | undefined;
  /** Path of the next page: kept, it is where to go on. */
  next: string | undefined;
}

const pageReply = z.object({
  values: z.array(z.unknown()),
  next: z.string().max(8192).optional().catch(undefined),
  size: z.int().nonnegative().optional().catch(undefined),
});

type PageReply = z.infer<typeof pageReply>;

/** More than the longest list anybody has; a list without end must not run for ever. */
const MOST_PAGES = 20_000;
/** A diff leads to where it is made. */
const MOST_REDIRECTS = 2;

export class Api {
  readonly #base: string;
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#base = endpointsOf(options).api;
    this.#options = options;
  }

  /** @throws BitbucketFailure, its `remoteStatus` as Bitbucket answered */
  async get<T>(what: Resource, schema: z.ZodType<T>): Promise<T> {
    return this.#patiently(async () => {
      const reply = await this.#send(what);
      if (reply.status !== 200) throw refusal(reply, what.scope);
      return parsed(schema, reply);
    });
  }

  /**
   * A text, from wherever in the API it is sent to. What is not UTF-8 in it becomes U+FFFD.
   * @param isMeant whether it is what was asked for; anything may come with status 200
   */
  async getText(what: Resource, isMeant: (text: string) => boolean): Promise<string> {
    let path = what.path;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops++) {
      const reply = await this.#patiently(async () => {
        const answer = await this.#send({ ...what, path }, { asBytes: true });
        if (isRedirect(answer)) return answer;
        if (answer.status !== 200) throw refusal(answer, what.scope);
        const text = new TextDecoder().decode(answer.bytes);
        if (isMeant(text)) return text;
        throw new BitbucketFailure('failed', what.endpoint, 'the answer is something else', { remoteStatus: 200 });
      });
      if (typeof reply === 'string') return reply;
      const location = headerOf(reply, 'location') ?? '';
      path = this.pathOf(URL.canParse(location, this.#base) ? new URL(location, this.#base).href : '', what.endpoint);
    }
    throw new BitbucketFailure('failed', what.endpoint, 'its redirects have no end', { permanent: true });
  }

  /** Page by page. Entries that the schema refuses are left out, and named. */
  async *pages<T>(what: Resource, schema: z.ZodType<T>): AsyncGenerator<Page<T>> {
    const seen = new Set<string>();
    let path: string | undefined = what.path;
    let read = 0;
    while (path !== undefined) {
      const current: string = path;
      // Addresses are long, and some lists have thousands of them.
      const name = createHash('sha256').update(current).digest('base64url');
      if (seen.has(name)) throw endless(what, 'its pages go round in a circle');
      seen.add(name);
      const { answer: page, path: asked }: { answer: PageReply; path: string } = await askForPage(current, (each) =>
        this.get({ ...what, path: each }, pageReply),
      );
      read += page.values.length;
      requireEnd(what, { pages: seen.size, read, ...page });
      path = page.next === undefined ? missingNext(asked, page, read) : this.pathOf(page.next, what.endpoint);
      yield { ...readEntries(page.values, schema), size: page.size, next: path };
    }
  }

  /** All pages of a list. */
  async list<T>(what: Resource, schema: z.ZodType<T>): Promise<Listed<T>> {
    const all: Listed<T> = { items: [], unreadable: [] };
    for await (const { items, unreadable } of this.pages(what, schema)) {
      for (const item of items) all.items.push(item);
      all.unreadable.push(...unreadable);
    }
    return all;
  }

  /**
   * An address that Bitbucket gave, as a path below the API: it is text from outside, and the token goes where it says.
   * @throws BitbucketFailure when it lies elsewhere
   */
  pathOf(address: string, endpoint: FailureEndpoint): string {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    // Compared and cut in the form that is sent; the parser has resolved dots, user names and default ports by now.
    if (!url?.href.startsWith(`${this.#base}/`)) {
      throw new BitbucketFailure('failed', endpoint, 'an address it gives lies outside the API', { permanent: true });
    }
    // Seen in the wild: `…/pullrequests&page=2`. @see BCLOUD-20639
    const path = url.href.slice(this.#base.length);
    return url.search === '' ? path.replace('&', '?') : path;
  }

  async #send(what: Resource, how: { asBytes?: boolean } = {}): Promise<HttpReply> {
    const { http, authorize, signal, beforeCall, onAnswer } = this.#options;
    await beforeCall?.();
    return authorize(async (authorization) => {
      const headers = { authorization, 'cache-control': 'no-cache', ...(how.asBytes ? { accept: '*/*' } : {}) };
      const reply = await http.send({ endpoint: what.endpoint, url: this.#base + what.path, headers, signal, ...how });
      onAnswer?.(rateStateOf(reply));
      if (reply.status === 401) throw unexpectedStatus(reply);
      return reply;
    });
  }

  async #patiently<T>(call: () => Promise<T>): Promise<T> {
    const { signal, pause = (ms: number) => sleep(ms, undefined, { signal }) } = this.#options;
    let pausedMs = 0;
    for (let retries = 0; ; retries++) {
      signal.throwIfAborted();
      try {
        return await call();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof BitbucketFailure)) throw error;
        const ms = pauseBeforeRetry(error, { retries, pausedMs, random: Math.random() });
        if (ms === undefined) throw error;
        pausedMs += ms;
        await pause(ms).catch(() => signal.throwIfAborted());
      }
    }
  }
}

function isRedirect({ status }: HttpReply): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function endless({ endpoint }: Resource, detail: string): BitbucketFailure {
  return new BitbucketFailure('failed', endpoint, detail, { permanent: true });
}

/** Twice as many entries as it says that it has: a list that moves while it is read is no reason for so many. */
function requireEnd(
  what: Resource,
  { pages, read, size }: { pages: number; read: number; size?: number | undefined },
): void {
  if (pages > MOST_PAGES) throw endless(what, `more than ${MOST_PAGES} pages`);
  if (size !== undefined && pages > 10 && read > 2 * size + 100) throw endless(what, 'more entries than its size says');
}

/** A full page without a successor, though there should be more by the size it gives: asked for by number. */
function missingNext(
  path: string,
  { values, size }: { values: unknown[]; size?: number | undefined },
  read: number,
): string | undefined {
  const url = new URL(path, 'https://path.invalid');
  const pagelen = Number(url.searchParams.get('pagelen') ?? 10);
  if (size === undefined || read >= size || values.length < pagelen) return undefined;
  const page = Number(url.searchParams.get('page') ?? 1);
  if (!Number.isInteger(page)) return undefined;
  url.searchParams.set('page', String(page + 1));
  return url.pathname + url.search;
}

function readEntries<T>(values: unknown[], schema: z.ZodType<T>): Listed<T> {
  const items: T[] = [];
  const unreadable: Unreadable[] = [];
  for (const value of values) {
    const result = schema.safeParse(value);
    if (result.success) items.push(result.data);
    else unreadable.push({ value, field: wrongField(result.error) });
  }
  return { items, unreadable };
}

/** Which field is wrong, but never its value. */
function wrongField(error: z.ZodError): string {
  return error.issues[0]?.path.join('.') || 'the whole';
}

function parsed<T>(schema: z.ZodType<T>, reply: HttpReply): T {
  const result = schema.safeParse(jsonOf(reply));
  if (result.success) return result.data;
  const field = wrongField(result.error);
  const options = { remoteStatus: reply.status };
  throw new BitbucketFailure('failed', reply.endpoint, `the answer is not as documented (${field})`, options);
}

function refusal(reply: HttpReply, scope: string): BitbucketFailure {
  if (reply.status !== 403) return unexpectedStatus(reply);
  const required = missingScopeReply.safeParse(jsonOf(reply)).data?.error.detail.required;
  const options = { remoteStatus: 403, requiredScopes: required ?? [scope] };
  if (!required) return new BitbucketFailure('failed', reply.endpoint, 'access is forbidden', options);
  return new BitbucketFailure('missing_scope', reply.endpoint, `the token lacks ${required.join(', ')}`, options);
}
