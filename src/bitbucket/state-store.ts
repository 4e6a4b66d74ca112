// What the strategy needs of a place to remember started flows. Gatehouse has its own; session-state-store.ts is the default.
import type { Request } from 'express';

/** Which provider, client and callback a flow belongs to. A state made under one must not verify under another. */
export interface FlowMeta {
  authorizationURL: string;
  tokenURL: string;
  clientID: string;
  callbackURL: string;
}

/** passport-oauth2's contract for state stores, in its longest form. */
export interface StateStore {
  /**
   * Remembers a flow and gives the `state` to send: random, at least 128 bits, visible ASCII, at most 1,024 characters.
   * @param verifier the PKCE code verifier; a secret
   * @param state what the host gave as `options.state`; comes back in `info.state`
   */
  store(
    req: Request,
    verifier: string | undefined,
    state: unknown,
    meta: FlowMeta,
    done: (error: unknown, handle?: string) => void,
  ): void;
  /**
   * Takes the flow with this `state` out of the store, so that no second call finds it, even at the same moment.
   * Gives the verifier (or `true` without PKCE) and the host's state; `false` when there is no such flow, with a reason
   * that the host finds as `cause` of the `invalid_state` failure.
   */
  verify(
    req: Request,
    handle: string,
    meta: FlowMeta,
    done: (error: unknown, verifier?: string | boolean, state?: unknown) => void,
  ): void;
}
