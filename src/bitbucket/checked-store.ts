// Stands between passport-oauth2 and a state store, and holds the store to its contract.
import { isVisible } from './callback.ts';
import { BitbucketFailure } from './failure.ts';
import type { StateStore } from './state-store.ts';

/**
 * Wraps a store: a state it does not know becomes an `invalid_state` failure, and a store that forgets what protects
 * the flow becomes an error instead of a sign-in without protection, which nobody would notice.
 */
export class CheckedStore implements StateStore {
  readonly #inner: StateStore;
  readonly #pkce: boolean;

  constructor(inner: StateStore, pkce: boolean) {
    this.#inner = inner;
    this.#pkce = pkce;
  }

  // eslint-disable-next-line max-params -- passport-oauth2 looks at the number of parameters
  store: StateStore['store'] = (req, verifier, state, meta, done) => {
    this.#inner.store(req, verifier, state, meta, (error, handle) => {
      if (error) return done(error);
      // passport-oauth2 would send the person off without any state.
      if (!isVisible(handle, 1024)) return done(new TypeError('the state store gave no usable state'));
      done(null, handle);
    });
  };

  verify: StateStore['verify'] = (req, handle, meta, done) => {
    this.#inner.verify(req, handle, meta, (error, verifier, state) => {
      if (error) return done(error);
      if (!verifier) {
        const detail = 'the state is unknown, used or too old';
        return done(new BitbucketFailure('invalid_state', 'authorize', detail, { cause: state }));
      }
      // passport-oauth2 would leave the code_verifier out, and Bitbucket may not mind.
      if (this.#pkce && typeof verifier !== 'string') return done(new TypeError('the state store gave no verifier'));
      done(null, verifier, state);
    });
  };
}
