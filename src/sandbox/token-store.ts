// Access and refresh tokens: issue, refresh, look up, revoke; in the shapes before and after CHANGE-3052.
import { randomBytes } from 'node:crypto';
import type { Switches } from './options.ts';

/** Whom a token speaks for. `person` is null when a consumer acts for itself (client_credentials). */
export interface Grant {
  consumer: string;
  person: string | null;
  scopes: string[];
}

interface Kept {
  grant: Grant;
  expiresAt: number;
}

export interface IssuedTokens {
  accessToken: string;
  refreshToken?: string;
}

const MAX_KEPT = 20_000;
const REFRESH_IDLE_MS = 90 * 24 * 3600 * 1000;

export class TokenStore {
  readonly #now: () => number;
  readonly #switches: Switches;
  readonly #note: (use: 'access' | 'refresh', token: string) => void;
  readonly #access = new Map<string, Kept>();
  readonly #refresh = new Map<string, Kept>();

  /** @param note is told every token that is handed out */
  constructor(now: () => number, switches: Switches, note: (use: 'access' | 'refresh', token: string) => void) {
    this.#now = now;
    this.#switches = switches;
    this.#note = note;
  }

  /** A new pair of tokens. The new world gives no refresh token to client_credentials. */
  issue(grant: Grant): IssuedTokens {
    const accessToken = this.#issueAccess(grant);
    if (grant.person === null && this.#switches.oauth === 'new') return { accessToken };
    const refreshToken = this.#makeToken(grant, 'refresh');
    this.#keep(this.#refresh, refreshToken, { grant, expiresAt: this.#now() + REFRESH_IDLE_MS });
    return { accessToken, refreshToken };
  }

  /** New tokens for a refresh token of this consumer: the same one again before CHANGE-3052, a new one after. */
  refresh(refreshToken: string, consumer: string): (IssuedTokens & { grant: Grant }) | undefined {
    const kept = this.#refresh.get(refreshToken);
    if (!kept || kept.grant.consumer !== consumer || kept.expiresAt <= this.#now()) return undefined;
    const { grant } = kept;
    if (this.#switches.oauth === 'old') return { accessToken: this.#issueAccess(grant), refreshToken, grant };
    kept.expiresAt = Math.min(kept.expiresAt, this.#now() + this.#switches.refreshGraceSeconds * 1000);
    return { ...this.issue(grant), grant };
  }

  findAccess(accessToken: string): { grant: Grant; isExpired: boolean } | undefined {
    const kept = this.#access.get(accessToken);
    return kept && { grant: kept.grant, isExpired: kept.expiresAt <= this.#now() };
  }

  /** Lets every access token of a person expire now; refresh tokens live on. */
  expireAccess(person: string): void {
    for (const kept of this.#access.values()) if (kept.grant.person === person) kept.expiresAt = 0;
  }

  /** Forgets every token of a person. */
  revoke(person: string): void {
    for (const tokens of [this.#access, this.#refresh]) {
      for (const [token, kept] of tokens) if (kept.grant.person === person) tokens.delete(token);
    }
  }

  #issueAccess(grant: Grant): string {
    const token = this.#makeToken(grant, 'access');
    this.#keep(this.#access, token, { grant, expiresAt: this.#now() + this.#switches.accessTokenLifeSeconds * 1000 });
    return token;
  }

  #makeToken(grant: Grant, use: 'access' | 'refresh'): string {
    const token = this.#newToken(grant, use);
    this.#note(use, token);
    return token;
  }

  #newToken(grant: Grant, use: 'access' | 'refresh'): string {
    if (this.#switches.oauth === 'new') return makeJwtLookalike(grant, use, this.#now());
    return use === 'access' ? `${randomBytes(63).toString('base64url')}=` : randomBytes(13).toString('base64url');
  }

  #keep(tokens: Map<string, Kept>, token: string, kept: Kept): void {
    tokens.set(token, kept);
    const [oldest] = tokens.keys();
    if (tokens.size > MAX_KEPT && oldest !== undefined) tokens.delete(oldest);
  }
}

/** Three dotted base64url parts of more than 2,000 characters. Random, signed by nobody: only the sandbox that made it knows it. */
function makeJwtLookalike(grant: Grant, use: string, now: number): string {
  const header = { typ: 'JWT', alg: 'RS256', kid: 'sandbox' };
  const payload = {
    iss: 'bitbucket-sandbox',
    aud: grant.consumer,
    use,
    scope: grant.scopes.join(' '),
    iat: Math.floor(now / 1000),
    jti: randomBytes(16).toString('hex'),
    context: randomBytes(900).toString('base64url'),
  };
  const parts = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  return [...parts, randomBytes(256).toString('base64url')].join('.');
}
