// The Passport strategy. passport-oauth2 keeps its part: PKCE, the redirect, the order of the dance, the verify callback.
// Its HTTP client is replaced, and no request reaches it that callback.ts has not checked.
import type { Request } from 'express';
import OAuth2Strategy from 'passport-oauth2';
import { failureOfAnswer, hasAnswer, readAnswer } from './callback.ts';
import { CheckedStore } from './checked-store.ts';
import { BitbucketClient } from './client.ts';
import { endpointsOf, type BaseUrls, type Endpoints } from './endpoints.ts';
import { BitbucketFailure } from './failure.ts';
import { createHttp, type Http } from './http.ts';
import { isPrefetch } from './prefetch.ts';
import { loadProfile, type Access, type BitbucketProfile } from './profile.ts';
import { SessionStateStore } from './session-state-store.ts';
import type { FlowMeta, StateStore } from './state-store.ts';
import { TokenClient, type CodeGrant } from './token.ts';
import type {
  BitbucketVerify,
  BitbucketVerifyWithParams,
  BitbucketVerifyWithRequest,
  BitbucketVerifyWithRequestAndParams,
  TokenParams,
} from './verify.ts';

export type { BitbucketVerified, TokenParams } from './verify.ts';

export interface BitbucketStrategyOptions extends BaseUrls {
  /** The OAuth consumer's key. */
  clientID: string;
  /** The OAuth consumer's secret. */
  clientSecret: string;
  /** Absolute URL, as registered at the consumer. Never worked out from a request: its Host header may lie. */
  callbackURL: string;
  /** Default `account` and `email`. */
  scope?: string[] | undefined;
  /** Default true (S256). Bitbucket accepts it without promising to check it; `state` protects the flow by itself. */
  pkce?: boolean | undefined;
  /** Passport's name for the strategy; default `bitbucket`. */
  name?: string | undefined;
  /** Default: the session, see session-state-store.ts for its limits. */
  store?: StateStore | undefined;
  /** Share one among all that talk to Bitbucket; by default the strategy makes its own. */
  http?: Http | undefined;
  /** For all that one callback asks Bitbucket (token, user, addresses) together; default 12,000. */
  deadlineMs?: number | undefined;
  /** Hands the request to the verify callback as its first argument. */
  passReqToCallback?: boolean | undefined;
}

/** What this strategy reads of the options of `passport.authenticate`, when a flow starts. */
export interface BitbucketAuthenticateOptions {
  /** Kept by the state store; back in `info.state` at the end. An object, for a string would replace the random state. */
  state?: object | undefined;
  /** Instead of the strategy's scopes. */
  scope?: string[] | undefined;
}

/**
 * Signs people in with Bitbucket Cloud: POST starts a flow, GET is the callback that ends it.
 *
 * Everything that goes wrong arrives in `passport.authenticate`'s callback `(error, user, info)`. What the visitor can
 * mend is a failure, so that `failureRedirect` works: `user` is false and `info` a BitbucketFailure with a status below
 * 500. What only an administrator or Bitbucket can mend is an `error`: a BitbucketFailure with a status from 500 on.
 * Errors of the host's own state store and verify callback pass through as they are.
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-4.1
 */
export class BitbucketStrategy extends OAuth2Strategy {
  // Passport calls authenticate on an object that merely inherits from this one, where #private fields do not exist.
  private readonly _endpoints: Endpoints;
  private readonly _scopes: string[];
  private readonly _checkedStore: StateStore;
  private readonly _tokens: TokenClient;
  private readonly _client: BitbucketClient;
  private readonly _deadlineMs: number;
  private readonly _meta: FlowMeta;
  /** There only during a callback, see _attempt. */
  declare private readonly _current?: Attempt;

  /** @throws TypeError for options that cannot work */
  constructor(options: PlainOptions, verify: BitbucketVerify);
  constructor(options: PlainOptions, verify: BitbucketVerifyWithParams);
  constructor(options: OptionsWithRequest, verify: BitbucketVerifyWithRequest);
  constructor(options: OptionsWithRequest, verify: BitbucketVerifyWithRequestAndParams);
  constructor(options: BitbucketStrategyOptions, verify: unknown) {
    checkOptions(options);
    const {
      clientID,
      clientSecret,
      callbackURL,
      pkce = true,
      scope = ['account', 'email'],
      http = createHttp(),
    } = options;
    const { name = 'bitbucket', passReqToCallback = false, deadlineMs = 12_000 } = options;
    const endpoints = endpointsOf(options);
    const store = new CheckedStore(options.store ?? new SessionStateStore(`passport:${name}`), pkce);
    const parentOptions = {
      authorizationURL: endpoints.authorize,
      tokenURL: endpoints.token,
      clientID,
      // The secret is not the parent's to know: its client would keep it in a plain property.
      clientSecret: '',
      callbackURL,
      scope,
      pkce,
      passReqToCallback,
      store,
    };
    super(parentOptions as unknown as OAuth2Strategy.StrategyOptions, verify as OAuth2Strategy.VerifyFunction);
    this.name = name;
    this._endpoints = endpoints;
    this._scopes = scope;
    this._checkedStore = store;
    this._tokens = new TokenClient({ ...options, clientID, clientSecret, http });
    this._client = new BitbucketClient({ ...options, http });
    this._deadlineMs = deadlineMs;
    this._meta = { authorizationURL: endpoints.authorize, tokenURL: endpoints.token, clientID, callbackURL };
    Object.assign(this, { _oauth2: clientOf(this._meta) });
  }

  override authenticate(req: Request, options: BitbucketAuthenticateOptions = {}): void {
    const passport = this as unknown as PassportActions;
    const refuse: Refuse = (error) => {
      if (error instanceof BitbucketFailure && error.status < 500) passport.fail(error, error.status);
      else passport.error(error);
    };
    try {
      if (isPrefetch(req)) return passport.fail(unexpected('it is a prefetch'), 503);
      if (req.method === 'POST') return this._start(req, options);
      if (req.method === 'GET') return this._finish(req, refuse);
      passport.fail(unexpected('its method is neither GET nor POST'), 405);
    } catch (error) {
      refuse(error);
    }
  }

  /** Only a POST starts, so that the host's CSRF check covers it: a link or an image must not (CVE-2015-9284, CB-040). */
  private _start(req: Request, options: BitbucketAuthenticateOptions): void {
    // passport-oauth2 would take these for a callback, from the body too (M11, CB-051). Other fields it does not read.
    if (hasAnswer(req.query) || hasAnswer(req.body)) throw unexpected('it is a POST');
    const { state, scope } = options;
    if (typeof state === 'string') throw new TypeError('options.state must be an object');
    super.authenticate(req, { state, scope });
  }

  private _finish(req: Request, refuse: Refuse): void {
    const { error, state } = readAnswer(req.query, this._endpoints.issuer);
    if (error === undefined) return super.authenticate.call(this._attempt(refuse), req, {});
    // An error is believed only from the browser that started the flow, and ends that flow (CB-020, CB-021).
    this._checkedStore.verify(req, state, this._meta, (failure) => {
      refuse(failure ?? failureOfAnswer(error, this._scopes));
    });
  }

  /**
   * This strategy for the length of one callback: with one deadline for everything, the scopes that were granted, and
   * the sorting of failures. Passport makes its per-request object in the same way.
   */
  private _attempt(refuse: Refuse): this {
    const attempt: Attempt = { deadline: performance.now() + this._deadlineMs, scopes: this._scopes };
    const getOAuthAccessToken = (code: string, params: ParentTokenParams, done: ParentTokenDone) => {
      const grant: CodeGrant = { code, redirectUri: this._meta.callbackURL, verifier: params.code_verifier };
      settle(this._tokens.exchange(grant, attempt.deadline), done, (tokens) => {
        attempt.scopes = tokens.scopes ?? attempt.scopes;
        const scope = attempt.scopes.join(' ');
        const results: TokenParams = { token_type: 'bearer', expires_in: tokens.expiresInSeconds, scope };
        done(null, tokens.accessToken, tokens.refreshToken, results);
      });
    };
    return Object.create(this, {
      error: { value: refuse },
      _current: { value: attempt },
      _oauth2: { value: { ...clientOf(this._meta), getOAuthAccessToken } },
    }) as this;
  }

  /** Reads the profile of the person whose token it is. Called by passport-oauth2. */
  override userProfile(accessToken: string, done: (error?: unknown, profile?: BitbucketProfile) => void): void {
    const access = { token: accessToken, scopes: [], ...this._current };
    settle(loadProfile(this._client, access), done, (profile) => done(null, profile));
  }

  /** passport-oauth2 would wrap the failure in an error of its own, whose status is 500. */
  protected _createOAuthError(_message: string, failure: unknown): unknown {
    return failure;
  }
}

type PlainOptions = BitbucketStrategyOptions & { passReqToCallback?: false | undefined };
type OptionsWithRequest = BitbucketStrategyOptions & { passReqToCallback: true };

/** What Passport puts on the object that it calls authenticate on. */
interface PassportActions {
  fail(challenge: BitbucketFailure, status: number): void;
  error(error: unknown): void;
}
type Refuse = (error: unknown) => void;
type Attempt = Omit<Access, 'token'>;
interface ParentTokenParams {
  code_verifier?: string;
}
type ParentTokenDone = (error: unknown, token?: string, refreshToken?: string, results?: TokenParams) => void;

/** The three fields that passport-oauth2 reads of its HTTP client; the rest of that client is not there any more. */
function clientOf(meta: FlowMeta) {
  return { _authorizeUrl: meta.authorizationURL, _accessTokenUrl: meta.tokenURL, _clientId: meta.clientID };
}

/** Leaves the promise before calling back: what the host's callbacks throw is then theirs, not a rejection of ours. */
function settle<T>(promise: Promise<T>, failed: (error: unknown) => void, done: (value: T) => void): void {
  promise.then(
    (value) => process.nextTick(done, value),
    (error: unknown) => process.nextTick(failed, error),
  );
}

function unexpected(detail: string): BitbucketFailure {
  return new BitbucketFailure('bad_callback', 'authorize', `neither a start nor a callback: ${detail}`);
}

function checkOptions(options: BitbucketStrategyOptions): void {
  for (const name of ['clientID', 'clientSecret'] as const) {
    if (typeof options[name] !== 'string' || options[name] === '') throw new TypeError(`${name} is missing`);
  }
  if (!/^https?:\/\/[^#]+$/.test(options.callbackURL) || !URL.canParse(options.callbackURL)) {
    throw new TypeError('callbackURL must be an absolute URL without fragment');
  }
}
