// Everything that a test lets Gatehouse write (log, answers, databases, what processes print) is searched for every secret
// that came up in that test. Each test that starts something is checked when it is over.
import { readdirSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { parseSetCookie } from 'cookie';
import type { Config } from '../../src/config/schema.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** Where something was written. A form's token has to be in pages, and nowhere else. */
type Place = 'log' | 'answer' | 'database' | 'output of a process';

/** Shorter ones would be found by chance. */
const MIN_LENGTH = 10;
/** A race that is run a thousand times has very many: the newest are looked for, and the first, which live longest. */
const NEWEST = 1000;
const FIRST = 50;

const secrets = new Map<string, { kind: string; mayBeIn?: Place }>();
const sandboxes = new Set<Sandbox>();
const written: { place: Place; what: string; text: string }[] = [];

export function keepSecret(kind: string, value: string | undefined, mayBeIn?: Place): void {
  if (value === undefined || value.length < MIN_LENGTH) return;
  secrets.set(value, mayBeIn ? { kind, mayBeIn } : { kind });
}

export function noteWritten(place: Place, what: string, text: string): void {
  if (text !== '') written.push({ place, what, text });
}

/** @returns a line for each secret that was written somewhere, and forgets everything */
export function takeLeaks(): string[] {
  const leaks = takeLeaksSoFar();
  secrets.clear();
  sandboxes.clear();
  return leaks;
}

/** The same in the middle of a long test: forgets what was written, and goes on looking for the same secrets. */
export function takeLeaksSoFar(): string[] {
  for (const sandbox of sandboxes) keepSecretsOfSandbox(sandbox); // before what may hold them is forgotten
  const leaks = new Set<string>();
  const all = [...secrets];
  const some = all.length > FIRST + NEWEST ? [...all.slice(0, FIRST), ...all.slice(-NEWEST)] : all;
  for (const [value, { kind, mayBeIn }] of some) {
    const forms = [value, encodeURIComponent(value), Buffer.from(value).toString('base64')];
    for (const { place, what, text } of written) {
      if (place !== mayBeIn && forms.some((form) => text.includes(form))) leaks.add(`${kind} in ${place}: ${what}`);
    }
  }
  written.length = 0;
  return [...leaks];
}

/** Listens in on one request: what the browser brings and is given to keep, and the whole answer. */
export function listenIn(req: IncomingMessage, res: ServerResponse): void {
  keepSecretsOf(req);
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  const { write, end } = res;
  res.write = (...args: unknown[]) => (keep(args[0]), write.apply(res, args as never));
  res.end = (...args: unknown[]) => (keep(args[0]), end.apply(res, args as never));
  res.once('close', () => {
    keepCookies([res.getHeader('set-cookie') ?? []].flat().map(String));
    if (/css|javascript/.test(String(res.getHeader('content-type')))) return;
    const what = `${req.method} ${(req.url ?? '').split('?')[0]}`;
    noteWritten('answer', what, keepNewTokens(Buffer.concat(chunks).toString()));
    const location = String(res.getHeader('location') ?? '');
    if (!location.includes('/site/oauth2/authorize?')) noteWritten('answer', what, location);
  });
}

/** An access token is shown once, by the answer that made it. @returns the answer without those seen for the first time */
function keepNewTokens(answer: string): string {
  return answer.replace(/gatehouse-[\w-]{43}/g, (token) => {
    if (secrets.has(token)) return token;
    keepSecret('access token', token);
    return '';
  });
}

function keepSecretsOf({ url = '', headers }: IncomingMessage): void {
  keepSecret('authorization', headers.authorization?.replace(/^\w+ /, ''));
  keepSecret('private token', [headers['private-token'] ?? []].flat()[0]);
  const [path = '', query = ''] = url.split('?');
  if (!path.includes('/users/auth')) return;
  for (const name of ['code', 'state', 'access_token', 'id_token']) {
    for (const value of new URLSearchParams(query).getAll(name)) {
      if (value.length >= 20) keepSecret(name, value); // what a test invents is short
    }
  }
}

/** Cookies as they are set. */
export function keepCookies(lines: string[]): void {
  for (const line of lines) {
    const { name, value = '' } = parseSetCookie(line);
    if (name.endsWith('gatehouse')) keepSecret('session id', value.replace(/^s:/, '').split('.')[0]);
    if (name.endsWith('gatehouse-csrf')) keepSecret('form token', value, 'answer');
    if (name.endsWith('gatehouse-browser')) keepSecret('browser id', value);
    if (name.endsWith('gatehouse-device')) keepSecret('device cookie', value.split('.')[0]);
  }
}

export function keepSecretsOfConfig(config: Config): void {
  for (const key of [config.secret_key ?? []].flat()) keepSecret('secret_key', key);
  for (const { app_secret } of config.omniauth.providers) keepSecret('app_secret', app_secret);
  keepSecret('password', config.root_password);
  const { password } = new URL(config.smtp.url ?? 'smtp://nobody');
  keepSecret('password of the mail server', decodeURIComponent(password));
}

/** What a process is given in its environment. */
export function keepSecretsOfEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of ['GATEHOUSE_ROOT_PASSWORD', 'GATEHOUSE_SECRET_KEY', 'BITBUCKET_APP_SECRET']) {
    keepSecret(name, env[name]);
  }
}

/** What it hands out from now on must not be written anywhere. */
export function watchSandbox(sandbox: Sandbox): void {
  sandboxes.add(sandbox);
}

/** What Bitbucket has handed out, and what it was shown. */
function keepSecretsOfSandbox(sandbox: Sandbox): void {
  for (const { kind, value } of sandbox.handedOut) keepSecret(kind, value);
  for (const { headers } of sandbox.requests) {
    keepSecret('authorization', headers.authorization?.replace(/^\w+ /, ''));
  }
}

/** SQLite files anywhere below a directory, deleted rows that are still in them included, and the key beside them. */
export function noteFiles(dir: string): void {
  for (const entry of readdirSync(dir, { recursive: true, encoding: 'utf8' })) {
    if (/\.db(-wal|-journal)?$/.test(entry)) noteWritten('database', entry, readFileSync(join(dir, entry), 'latin1'));
    if (/(^|\/)secret_key$/.test(entry)) keepSecret('secret_key', readFileSync(join(dir, entry), 'utf8').trim());
  }
}
