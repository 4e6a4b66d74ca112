// The token endpoint: spends a code, once.
import { endpointsOf, type BaseUrls } from './endpoints.ts';
import { BitbucketFailure } from './failure.ts';
import { jsonOf } from './http-body.ts';
import { unexpectedStatus } from './http-failure.ts';
import type { Http, HttpReply } from './http.ts';
import { isErrorReply, toTokenSet, type TokenSet } from './token-reply.ts';

export interface TokenClientOptions extends BaseUrls {
  /** The consumer's key. */
  clientID: string;
  /** The consumer's secret. */
  clientSecret: string;
  http: Http;
}

/** What belongs to a code: the address it was sent to, and the PKCE verifier of the flow it ends. */
export interface CodeGrant {
  code: string;
  redirectUri: string;
  verifier?: string | undefined;
}

/**
 * Exchanges codes for tokens.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
 * @see https://developer.atlassian.com/cloud/bitbucket/oauth-2/
 */
export class TokenClient {
  readonly #url: string;
  readonly #http: Http;
  readonly #authorization: string;

  constructor(options: TokenClientOptions) {
    this.#url = endpointsOf(options).token;
    this.#http = options.http;
    this.#authorization = basic(options.clientID, options.clientSecret);
  }

  /**
   * Makes exactly one request: a code works once, so a second try could only turn a slow success into a failure.
   * @throws BitbucketFailure `code_refused`, `misconfigured`, `throttled`, `timeout` or `failed`
   */
  async exchange(grant: CodeGrant, deadline?: number): Promise<TokenSet> {
    const form = new URLSearchParams({ grant_type: 'authorization_code', code: grant.code });
    form.set('redirect_uri', grant.redirectUri);
    if (grant.verifier !== undefined) form.set('code_verifier', grant.verifier);
    const headers = { authorization: this.#authorization };
    const reply = await this.#http.send({ endpoint: 'token', url: this.#url, headers, form, deadline });
    const body = jsonOf(reply);
    // An error is an error with status 200 as well (PF-009).
    if (isErrorReply(body)) throw refusal(reply, body.error, body.error_description);
    if (reply.status === 401) throw misconfigured(reply, keyOrSecret);
    if (reply.status !== 200) throw unexpectedStatus(reply);
    return toTokenSet(body);
  }
}

const keyOrSecret = 'Bitbucket does not accept the key or the secret of the OAuth consumer';
const noCallback = 'the OAuth consumer has no callback URL';

/** RFC 6749 §5.2, and the texts that Bitbucket is known to send with it. Foreign words are looked at, never passed on. */
function refusal(reply: HttpReply, error: string, description: unknown): BitbucketFailure {
  if (typeof description === 'string' && /^No callback uri defined/i.test(description)) {
    return misconfigured(reply, noCallback);
  }
  if (reply.status >= 500 || reply.status === 429) return unexpectedStatus(reply);
  switch (error) {
    case 'invalid_grant':
    case 'bad_verification_code':
      return new BitbucketFailure('code_refused', 'token', 'the code is expired, used or unknown', {
        remoteStatus: reply.status,
      });
    case 'invalid_client':
    case 'unauthorized_client':
      return misconfigured(reply, keyOrSecret);
    default:
      return reply.status === 401 ? misconfigured(reply, keyOrSecret) : unexpectedStatus(reply);
  }
}

function misconfigured(reply: HttpReply, detail: string): BitbucketFailure {
  return new BitbucketFailure('misconfigured', 'token', detail, { remoteStatus: reply.status });
}

/**
 * The header and not the form, which some of Bitbucket's answers are known to miss. Key and secret are form-encoded
 * first, as the RFC has it; for Bitbucket's own, which are letters and digits, that changes nothing.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
 */
function basic(key: string, secret: string): string {
  return `Basic ${Buffer.from(`${formEncoded(key)}:${formEncoded(secret)}`).toString('base64')}`;
}

function formEncoded(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1);
}
