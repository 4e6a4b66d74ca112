// Bitbucket's API 2.0 as far as signing in needs it. The token travels in the Authorization header and nowhere else.
import type { z } from 'zod';
import { endpointsOf } from './endpoints.ts';
import { BitbucketFailure, type FailureEndpoint } from './failure.ts';
import { jsonOf } from './http-body.ts';
import { unexpectedStatus } from './http-failure.ts';
import type { Http, HttpReply } from './http.ts';
import { emailReply, missingScopeReply, pageReply, userReply, workspaceReply } from './replies.ts';
import type { EmailReply, UserReply } from './replies.ts';

/** A workspace that somebody is a member of. */
export interface Workspace {
  /** With braces, lower case; the slug may pass to another workspace, the uuid may not. */
  uuid: string;
  slug: string;
  administrator: boolean;
}

export interface BitbucketClientOptions {
  url?: string | undefined;
  apiUrl?: string | undefined;
  http: Http;
}

/** Far more than anybody's addresses or workspaces fill, and few enough to be read within a deadline. */
const maxPages = 20;

/**
 * Reads from API 2.0. Every method takes an access token and an optional deadline (as of `HttpRequest`), and throws
 * BitbucketFailure: `missing_scope`, `throttled`, `timeout` or `failed`.
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/intro/
 */
export class BitbucketClient {
  readonly #api: string;
  readonly #http: Http;

  constructor(options: BitbucketClientOptions) {
    this.#api = endpointsOf(options).api;
    this.#http = options.http;
  }

  /** Whose token it is. */
  async getUser(token: string, deadline?: number): Promise<UserReply> {
    const reply = await this.#get({ endpoint: 'user', path: '/user', scope: 'account' }, token, deadline);
    return parsed(userReply, reply, jsonOf(reply));
  }

  /** All addresses of that person, unconfirmed ones too. Entries of another shape are left out. */
  async listEmails(token: string, deadline?: number): Promise<EmailReply[]> {
    const values = await this.#list({ endpoint: 'emails', path: '/user/emails', scope: 'email' }, token, deadline);
    return values.flatMap((value) => emailReply.safeParse(value).data ?? []);
  }

  /** All workspaces of that person. An entry of another shape is no proof of membership, so it is left out. */
  async listWorkspaces(token: string, deadline?: number): Promise<Workspace[]> {
    const what = { endpoint: 'workspaces', path: '/user/workspaces', scope: 'account' } as const;
    const values = await this.#list(what, token, deadline);
    return values
      .flatMap((value) => workspaceReply.safeParse(value).data ?? [])
      .map(({ administrator, workspace }) => ({ ...workspace, administrator }));
  }

  async #list(what: Resource, token: string, deadline?: number): Promise<unknown[]> {
    const values: unknown[] = [];
    const seen = new Set<string>();
    let path: string | undefined = `${what.path}?pagelen=100`;
    while (path !== undefined) {
      if (seen.has(path)) throw new BitbucketFailure('failed', what.endpoint, 'its pages go round in a circle');
      if (seen.size === maxPages) throw new BitbucketFailure('failed', what.endpoint, `more than ${maxPages} pages`);
      seen.add(path);
      const reply = await this.#get({ ...what, path }, token, deadline);
      const page = parsed(pageReply, reply, jsonOf(reply));
      values.push(...page.values);
      path = page.next === undefined ? undefined : this.#pathOf(page.next, what.endpoint);
    }
    return values;
  }

  /** `next` is text from outside, and the token goes where it says: only to this API, and below its base. */
  #pathOf(next: string, endpoint: FailureEndpoint): string {
    const url = URL.canParse(next) ? new URL(next) : undefined;
    // Compared and cut in the form that is sent; the parser has resolved dots, user names and default ports by now.
    if (!url?.href.startsWith(`${this.#api}/`)) {
      throw new BitbucketFailure('failed', endpoint, 'its next page lies outside the API');
    }
    return url.href.slice(this.#api.length);
  }

  async #get(what: Resource, token: string, deadline?: number): Promise<HttpReply> {
    const url = this.#api + what.path;
    const headers = { authorization: `Bearer ${token}` };
    const reply = await this.#http.send({ endpoint: what.endpoint, url, headers, deadline });
    if (reply.status === 200) return reply;
    throw reply.status === 403 ? forbidden(reply, what.scope) : unexpectedStatus(reply);
  }
}

interface Resource {
  endpoint: FailureEndpoint;
  path: string;
  /** The scope that opens it, named when Bitbucket's own list cannot be read. */
  scope: string;
}

function parsed<T>(schema: z.ZodType<T>, reply: HttpReply, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  // Which field, but never its value.
  const field = result.error.issues[0]?.path.join('.') || 'the whole';
  const options = { remoteStatus: reply.status };
  throw new BitbucketFailure('failed', reply.endpoint, `the answer is not as documented (${field})`, options);
}

function forbidden(reply: HttpReply, scope: string): BitbucketFailure {
  const required = missingScopeReply.safeParse(jsonOf(reply)).data?.error.detail.required;
  const options = { remoteStatus: reply.status, requiredScopes: required ?? [scope] };
  if (!required) return new BitbucketFailure('failed', reply.endpoint, 'access is forbidden', options);
  return new BitbucketFailure('missing_scope', reply.endpoint, `the token lacks ${required.join(', ')}`, options);
}
