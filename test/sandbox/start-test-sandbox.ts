// A sandbox for one test file, with one consumer and a clock that can be moved; and the few requests every test makes.
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';

export const CALLBACK = 'http://localhost:3000/users/auth';

export const CONSUMER = {
  key: 'gatehouse-key',
  secret: 'gatehouse-secret',
  name: 'Gatehouse',
  callbackUrl: CALLBACK,
  permissions: ['account', 'email', 'pullrequest'],
};

export type TestSandbox = Sandbox & { advance: (seconds: number) => void };

/** Starts a sandbox that closes itself after the tests of the file. */
export function startTestSandbox(options: Partial<SandboxOptions> = {}): () => TestSandbox {
  let running: TestSandbox | undefined;
  let now = Date.parse('2026-11-22T12:00:00Z');
  beforeEach(async () => {
    const sandbox = await startSandbox({ consumers: [CONSUMER], now: () => now, ...options });
    running = Object.assign(sandbox, { advance: (seconds: number) => void (now += seconds * 1000) });
  });
  afterEach(() => running?.close());
  return () => {
    if (!running) throw new Error('The sandbox runs only inside a test');
    return running;
  };
}

export function authorizeUrl(sandbox: Sandbox, changes: Record<string, string | undefined> = {}): string {
  const values = {
    client_id: CONSUMER.key,
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'account email',
    state: 'st/a te&1',
    ...changes,
  };
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, value);
  return `${sandbox.url}site/oauth2/authorize?${query.toString()}`;
}

export function basic(key = CONSUMER.key, secret = CONSUMER.secret): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}` };
}

export type Json = Record<string, unknown>;

export async function askForToken(
  sandbox: Sandbox,
  form: Record<string, string>,
  headers: Record<string, string> = basic(),
): Promise<{ status: number; body: Json }> {
  const response = await fetch(`${sandbox.url}site/oauth2/access_token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams(form),
  });
  return { status: response.status, body: (await response.json()) as Json };
}

export async function getCode(sandbox: Sandbox, changes: Record<string, string | undefined> = {}): Promise<string> {
  const callback = await sandbox.decide(authorizeUrl(sandbox, changes), { as: 'alice' });
  return new URL(callback).searchParams.get('code') ?? '';
}

export async function exchangeCode(sandbox: Sandbox, changes: Record<string, string> = {}) {
  const code = await getCode(sandbox);
  return askForToken(sandbox, { grant_type: 'authorization_code', code, redirect_uri: CALLBACK, ...changes });
}

export async function getApi(sandbox: Sandbox, path: string, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(path.startsWith('http') ? path : `${sandbox.apiUrl}${path}`, { headers });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
}
