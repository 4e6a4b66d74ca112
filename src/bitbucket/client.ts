// Bitbucket's API 2.0 as far as signing in needs it. The token travels in the Authorization header and nowhere else.
import type { z } from 'zod';
import type { Resource } from './api.ts';
import { endpointsOf } from './endpoints.ts';
import { BitbucketFailure, type FailureEndpoint } from './failure.ts';
import { jsonOf } from './http-body.ts';
import { unexpectedStatus } from './http-failure.ts';
import type { Http, HttpReply } from './http.ts';
import { askForPage } from './pagelen.ts';
import { emailReply, missingScopeReply, pageReply, permissionReply, userReply } from './replies.ts';
import type { EmailReply, UserReply, WorkspaceRole } from './replies.ts';
import { listWorkspaces, type Workspace } from './workspaces.ts';

export interface BitbucketClientOptions {
  url?: string | undefined;
  apiUrl?: string | undefined;
  http: Http;
}

type PageReply = z.infer<typeof pageReply>;

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
    const what = { endpoint: 'emails', path: '/user/emails?pagelen=100', scope: 'email' } as const;
    const values = await this.#list(what, token, deadline);
    return values.flatMap((value) => emailReply.safeParse(value).data ?? []);
  }

  /** All workspaces of that person. */
  async listWorkspaces(token: string, deadline?: number): Promise<Workspace[]> {
    return listWorkspaces((what) => this.#list(what, token, deadline));
  }

  /** What the person may do in a workspace that is theirs; `undefined` for a word that is not known. */
  async getRole(token: string, workspaceUuid: string, deadline?: number): Promise<WorkspaceRole | undefined> {
    const path = `/user/workspaces/${encodeURIComponent(workspaceUuid)}/permission`;
    const reply = await this.#get({ endpoint: 'permission', path, scope: 'account' }, token, deadline);
    return parsed(permissionReply, reply, jsonOf(reply)).permission;
  }

  async #list(what: Resource, token: string, deadline?: number): Promise<unknown[]> {
    const values: unknown[] = [];
    const seen = new Set<string>();
    let path: string | undefined = what.path;
    while (path !== undefined) {
      if (seen.has(path)) throw new BitbucketFailure('failed', what.endpoint, 'its pages go round in a circle');
      if (seen.size === maxPages) throw new BitbucketFailure('failed', what.endpoint, `more than ${maxPages} pages`);
      seen.add(path);
      const { answer: page }: { answer: PageReply } = await askForPage(path, (asked) =>
        this.#page({ ...what, path: asked }, token, deadline),
      );
      values.push(...page.values);
      path = page.next === undefined ? undefined : this.#pathOf(page.next, what.endpoint);
    }
    return values;
  }

  async #page(what: Resource, token: string, deadline?: number): Promise<PageReply> {
    const reply = await this.#get(what, token, deadline);
    return parsed(pageReply, reply, jsonOf(reply));
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
