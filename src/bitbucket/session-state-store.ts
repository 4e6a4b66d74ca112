// The default place for started flows: express-session's `req.session`, which binds them to the browser.
//
// Its limits: "used" is remembered by this process, so with several processes two callbacks with one state in the same
// moment can both pass (Bitbucket takes the code only once); and passport makes a new session at sign-in, so flows begun
// in other tabs end there. A host that minds gives the strategy a store of its own.
import { createHash, randomBytes } from 'node:crypto';
import type { Request } from 'express';
import type { FlowMeta, StateStore } from './state-store.ts';

interface Flow {
  hash: string;
  verifier: string | undefined;
  state: unknown;
  binding: string;
  expiresAt: number;
}

const lifetimeMs = 10 * 60_000;
const maxFlows = 10;

/** Keeps up to ten flows per session for ten minutes each; a newer one drops the oldest. */
export class SessionStateStore implements StateStore {
  readonly #key: string;
  readonly #now: () => number;
  /** Hashes of states that came back, until they would have expired anyway. */
  readonly #used = new Map<string, number>();

  /** @param key property of the session, one per strategy */
  constructor(key: string, now: () => number = Date.now) {
    this.#key = key;
    this.#now = now;
  }

  // eslint-disable-next-line max-params -- passport-oauth2's contract
  store: StateStore['store'] = (req, verifier, state, meta, done) => {
    const session = sessionOf(req);
    if (!session) return done(noSession());
    const handle = randomBytes(32).toString('base64url');
    const expiresAt = this.#now() + lifetimeMs;
    const flow: Flow = { hash: sha256(handle), verifier, state, binding: bindingOf(meta), expiresAt };
    session[this.#key] = [...this.#flowsIn(session), flow].slice(-maxFlows);
    done(null, handle);
  };

  verify: StateStore['verify'] = (req, handle, meta, done) => {
    const session = sessionOf(req);
    if (!session) return done(noSession());
    // Hashes are compared, so the time it takes tells nothing about a state; and a wrong state takes nothing away.
    const hash = sha256(handle);
    const flow = this.#flowsIn(session).find((one) => one.hash === hash && one.binding === bindingOf(meta));
    if (!flow || this.#used.has(hash)) return done(null, false);
    // Two callbacks that came together each have their own copy of the session; this set they share.
    for (const [old, expiresAt] of this.#used) if (expiresAt <= this.#now()) this.#used.delete(old);
    this.#used.set(hash, flow.expiresAt);
    session[this.#key] = this.#flowsIn(session).filter((one) => one !== flow);
    done(null, flow.verifier ?? true, flow.state);
  };

  #flowsIn(session: Record<string, unknown>): Flow[] {
    const flows = (session[this.#key] ?? []) as Flow[];
    return flows.filter((flow) => flow.expiresAt > this.#now());
  }
}

function sessionOf(req: Request): Record<string, unknown> | undefined {
  return (req as { session?: object }).session as Record<string, unknown> | undefined;
}

const noSession = () => new Error('BitbucketStrategy needs express-session before it, or a store of your own');
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');
const bindingOf = (meta: FlowMeta) => sha256(JSON.stringify([meta.authorizationURL, meta.clientID, meta.callbackURL]));
