// The token endpoint: spends a code, once, and renews what came of it.
import { endpointsOf, type BaseUrls } from './endpoints.ts';
import { BitbucketFailure } from './failure.ts';
import { jsonOf } from './http-body.ts';
import { unexpectedStatus } from './http-failure.ts';
import type { Http, HttpReply } from './http.ts';
import { isErrorReply, toTokenSet, type ErrorReply, type TokenSet } from './token-reply.ts';

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

/** After a refresh: where Bitbucket named no new refresh token, the old one goes on. */
export type RefreshedTokenSet = TokenSet & { refreshToken: string };

/** What a grant that Bitbucket does not take is called: a code, or a refresh token. */
type Refused = 'code_refused' | 'grant_lost';

const REFUSED_WORDS: Record<Refused, string> = {
  code_refused: 'the code is expired, used or unknown',
  grant_lost: 'the refresh token is expired, taken back or used too often',
};

/**
 * Exchanges codes and refresh tokens for tokens.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1.3
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-6
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
    return this.#ask(form, 'code_refused', deadline);
  }

  /**
   * Renews an access token. Since CHANGE-3052 the answer brings another refresh token, and the one given here dies about
   * ten minutes later: what comes back has to be stored before it is used.
   * @throws BitbucketFailure `grant_lost` when only the person can help; else as for `exchange`: worth another try later
   */
  async refresh(refreshToken: string, deadline?: number): Promise<RefreshedTokenSet> {
    const form = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken });
    const tokens = await this.#ask(form, 'grant_lost', deadline);
    return { ...tokens, refreshToken: tokens.refreshToken ?? refreshToken };
  }

  async #ask(form: URLSearchParams, refused: Refused, deadline?: number): Promise<TokenSet> {
    const headers = { authorization: this.#authorization };
    const reply = await this.#http.send({ endpoint: 'token', url: this.#url, headers, form, deadline });
    const body = jsonOf(reply);
    // An error is an error with status 200 as well (PF-009).
    if (isErrorReply(body)) throw refusal(reply, body, refused);
    if (reply.status === 401) throw misconfigured(reply, keyOrSecret);
    if (reply.status !== 200) throw unexpectedStatus(reply);
    return toTokenSet(body);
  }
}

const keyOrSecret = 'Bitbucket does not accept the key or the secret of the OAuth consumer';
const noCallback = 'the OAuth consumer has no callback URL';

/** RFC 6749 §5.2, and the texts that Bitbucket is known to send with it. Foreign words are looked at, never passed on. */
function refusal(reply: HttpReply, { error, error_description }: ErrorReply, refused: Refused): BitbucketFailure {
  if (typeof error_description === 'string' && /^No callback uri defined/i.test(error_description)) {
    return misconfigured(reply, noCallback);
  }
  if (reply.status >= 500 || reply.status === 429) return unexpectedStatus(reply);
  if (NOT_TAKEN[refused].includes(error)) return notTaken(reply, refused);
  const isAboutUs = error === 'invalid_client' || error === 'unauthorized_client' || reply.status === 401;
  return isAboutUs ? misconfigured(reply, keyOrSecret) : unexpectedStatus(reply);
}

/** For a bad refresh token Bitbucket has said `invalid_request`; for a code that would mean that our request is wrong. */
const NOT_TAKEN: Record<Refused, string[]> = {
  code_refused: ['invalid_grant', 'bad_verification_code'],
  grant_lost: ['invalid_grant', 'invalid_request'],
};

function notTaken(reply: HttpReply, refused: Refused): BitbucketFailure {
  return new BitbucketFailure(refused, 'token', REFUSED_WORDS[refused], { remoteStatus: reply.status });
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
