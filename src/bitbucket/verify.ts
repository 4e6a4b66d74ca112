// The verify callback: where the host finds or makes its own user for a person whom Bitbucket has named.
import type { Request } from 'express';
import type { BitbucketProfile } from './profile.ts';

/** What else came with the token, under the names of RFC 6749 §5.1. */
export interface TokenParams {
  token_type: 'bearer';
  /** Seconds; one hour when Bitbucket did not say. */
  expires_in: number;
  /** Separated by spaces. */
  scope: string;
}

/** Passport's `done`: an error; or a user, with what the host wants to find in `info`; or `false` and why not. */
export type BitbucketVerified = (error: unknown, user?: object | false, info?: object) => void;

type Tokens = [accessToken: string, refreshToken: string | undefined];
type Identity = [profile: BitbucketProfile, done: BitbucketVerified];

/** As in passport-oauth2, the number of declared parameters decides which of these a callback is. */
export type BitbucketVerify = (...args: [...Tokens, ...Identity]) => void;
export type BitbucketVerifyWithParams = (...args: [...Tokens, params: TokenParams, ...Identity]) => void;
/** With `passReqToCallback`. */
export type BitbucketVerifyWithRequest = (...args: [req: Request, ...Tokens, ...Identity]) => void;
export type BitbucketVerifyWithRequestAndParams = (
  ...args: [req: Request, ...Tokens, params: TokenParams, ...Identity]
) => void;
