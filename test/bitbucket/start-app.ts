// A small Express application with the strategy, which says as JSON how passport.authenticate ended.
import express from 'express';
import session from 'express-session';
import { Passport } from 'passport';
import request from 'supertest';
import { BitbucketFailure } from '../../src/bitbucket/failure.ts';
import { createHttp, type HttpOptions } from '../../src/bitbucket/http.ts';
import type { BitbucketProfile } from '../../src/bitbucket/profile.ts';
import type { BitbucketVerifyWithParams } from '../../src/bitbucket/verify.ts';
import { BitbucketStrategy, type BitbucketStrategyOptions, type TokenParams } from '../../src/bitbucket/strategy.ts';
import { afterThisTest } from './start-far-end.ts';

export const callbackURL = 'http://localhost:3000/users/auth';
export const key = 'the-consumer-key';
export const secret = 'SECRET-of-the-consumer';

/** How an attempt ended: which of Passport's actions, and what it carried. */
export interface Outcome {
  action: 'success' | 'fail' | 'error';
  status?: number;
  reason?: string;
  detail?: string;
  message?: string;
  requiredScopes?: string[];
  retryAfterSeconds?: number;
  user?: { accessToken: string; refreshToken?: string; params: TokenParams; profile: BitbucketProfile };
  state?: unknown;
}

export interface AppOptions extends Partial<BitbucketStrategyOptions> {
  httpOptions?: HttpOptions;
  authenticate?: object;
  /** Instead of one that takes everybody in. */
  verify?: (...args: never[]) => void;
}

/** Starts are `POST /start`, the callback is `GET /users/auth`; both take every method, so that a test can try them. */
export function makeApp({ httpOptions, authenticate = {}, verify = takeIn, ...options }: AppOptions) {
  const http = createHttp({ deadlineMs: 2000, ...httpOptions });
  afterThisTest(() => http.close());
  const passport = new Passport();
  passport.use(
    new BitbucketStrategy(
      { clientID: key, clientSecret: secret, callbackURL, http, ...(options as { passReqToCallback?: false }) },
      verify as BitbucketVerifyWithParams,
    ),
  );
  const app = express();
  app.set('query parser', 'extended');
  app.use(session({ secret: 'test', resave: false, saveUninitialized: false }));
  app.use(express.urlencoded({ extended: true }));
  app.all(['/start', '/users/auth'], (req, res, next) => {
    const ended = (error: unknown, user: unknown, info: unknown, status: unknown) => {
      res.status(200).json(outcomeOf(error, user, info, status));
    };
    (passport.authenticate('bitbucket', authenticate, ended) as express.RequestHandler)(req, res, next);
  });
  return app;
}

// eslint-disable-next-line max-params -- passport-oauth2 looks at the number of parameters
const takeIn: BitbucketVerifyWithParams = (accessToken, refreshToken, params, profile, done) => {
  done(null, { accessToken, refreshToken, params, profile });
};

function outcomeOf(error: unknown, user: unknown, info: unknown, status: unknown): object {
  const failure = error ?? info;
  const message = failure instanceof Error ? { message: failure.message } : {};
  if (failure instanceof BitbucketFailure) {
    return { action: error ? 'error' : 'fail', ...failure, ...message, status: status ?? failure.status };
  }
  if (error) return { action: 'error', ...message };
  if (!user) return { action: 'fail', ...(info as object) };
  return { action: 'success', user, state: (info as { state?: unknown }).state };
}

/** A browser: one cookie jar. */
export class Browser {
  readonly #agent: ReturnType<typeof request.agent>;

  constructor(app: express.Express) {
    this.#agent = request.agent(app);
  }

  /** Presses the button. Gives the address that the browser is sent to. */
  async start(): Promise<URL> {
    const response = await this.#agent.post('/start').expect(302);
    return new URL(response.headers['location'] as string);
  }

  /** Comes back from Bitbucket. */
  async finish(query: string | Record<string, string>, headers: Record<string, string> = {}): Promise<Outcome> {
    const text = typeof query === 'string' ? query : new URLSearchParams(query).toString();
    const response = await this.#agent.get(`/users/auth?${text}`).set(headers);
    return response.body as Outcome;
  }

  /** Starts a flow and comes back with a code. */
  async signIn(code = 'the-code'): Promise<Outcome> {
    return this.finish({ code, state: stateOf(await this.start()) });
  }

  async send(method: 'post' | 'put' | 'delete', path: string, body?: object): Promise<Outcome> {
    const response = await this.#agent[method](path).type('form').send(body);
    return response.body as Outcome;
  }
}

export function stateOf(authorizeUrl: URL): string {
  return authorizeUrl.searchParams.get('state') ?? '';
}
