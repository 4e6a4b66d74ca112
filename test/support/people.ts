// What a person does at the pages: open, click, type. A browser here is a supertest agent with a cookie jar.
import request from 'supertest';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { insertAccount } from '../../src/accounts/store.ts';
import type { NewAccount } from '../../src/db/tables.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import type { TestApp, StartOptions } from './start-app.ts';
import { keepCookies } from './leaks.ts';
import { closeSandboxAtEnd } from './at-end.ts';
import { CONSUMER, providerYaml } from './provider.ts';
import { ROOT_PASSWORD, startApp } from './start-app.ts';

export type Browser = ReturnType<typeof request.agent>;
export type Answer = request.Response;

/** A Gatehouse with a Bitbucket beside it. */
export async function startBoth(
  options: StartOptions & { sandbox?: Partial<SandboxOptions>; provider?: string; omniauth?: string } = {},
): Promise<{ app: TestApp; sandbox: Sandbox }> {
  // The port is not known yet; a registered callback is a prefix, so this one fits all.
  const consumer = { ...CONSUMER, name: 'Gatehouse', permissions: ['account', 'email'] };
  const sandbox = await startSandbox({
    consumers: [{ ...consumer, callbackUrl: 'http://localhost:' }],
    ...options.sandbox,
  });
  closeSandboxAtEnd(sandbox);
  const yaml = `${providerYaml(sandbox, options.provider)}${options.omniauth ?? ''}${options.yaml ?? ''}`;
  return { app: await startApp({ ...options, yaml }), sandbox };
}

export function openBrowser(app: { url: string }): Browser {
  const agent = request.agent(app.url);
  // For servers that are processes of their own; those started here are listened to.
  agent.on('response', (answer: Answer) => keepCookies([answer.headers['set-cookie'] ?? []].flat()));
  return agent;
}

/** Root, who has signed in with the regular form at a browser of their own. */
export async function openAsRoot(app: { url: string }): Promise<Browser> {
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  return browser;
}

/** Who has come in by Bitbucket, at a browser of their own. */
export async function openAs(app: { url: string }, sandbox: Sandbox, as = 'alice'): Promise<Browser> {
  const browser = openBrowser(app);
  await signInWithBitbucket(browser, sandbox, as);
  return browser;
}

/** An account as if somebody had made it before: active, with nothing but a name unless more is said. @returns its id */
export async function makeAccount(
  app: TestApp,
  { password, ...account }: Partial<NewAccount> & { username: string; password?: string },
): Promise<number> {
  const { db, now } = app.services;
  const password_hash = password === undefined ? null : await hashPassword(password);
  const usual = { name: account.username, email: null, state: 'active', admin: 0, created_at: now() } as const;
  const made = await db.transaction().execute((trx) => insertAccount(trx, { ...usual, password_hash, ...account }));
  return made.id;
}

export async function idOf({ services }: TestApp, username: string): Promise<number> {
  const found = services.db.selectFrom('accounts').select('id').where('username', '=', username);
  return (await found.executeTakeFirstOrThrow()).id;
}

/** The hidden field of a page's forms. */
export function csrfOf(answer: Answer): string {
  const token = /name="_csrf" value="([^"]+)"/.exec(answer.text)?.[1];
  if (token === undefined) throw new Error(`no _csrf field on this page (status ${answer.status})`);
  return token;
}

export async function openSignIn(browser: Browser, query = ''): Promise<string> {
  return csrfOf(await browser.get(`/users/sign_in${query}`).expect(200));
}

/** Clicks the Bitbucket button. @returns the authorize URL the browser is sent to */
export async function clickBitbucket(
  browser: Browser,
  fields: Record<string, string> = {},
  provider = 'bitbucket',
): Promise<string> {
  const _csrf = await openSignIn(browser);
  const answer = await browser
    .post(`/users/auth/${provider}`)
    .type('form')
    .send({ _csrf, ...fields })
    .expect(302);
  return String(answer.headers['location']);
}

/** Path and query of an absolute address, for a request by an agent. */
export function pathOf(address: string): string {
  const { pathname, search } = new URL(address);
  return pathname + search;
}

/** Clicks the button, agrees at Bitbucket and comes back. @returns the answer of the callback */
export async function signInWithBitbucket(
  browser: Browser,
  sandbox: Sandbox,
  as = 'alice',
  fields: Record<string, string> = {},
): Promise<Answer> {
  const callback = await sandbox.decide(await clickBitbucket(browser, fields), { as, decision: 'allow' });
  return browser.get(pathOf(callback));
}

export async function signInWithPassword(
  browser: Browser,
  login = 'root',
  password = ROOT_PASSWORD,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const _csrf = await openSignIn(browser);
  return browser
    .post('/users/sign_in')
    .type('form')
    .send({ _csrf, login, password, ...fields });
}

/** @returns the username of whoever is signed in, or null */
export async function whoAmI(browser: Browser): Promise<string | null> {
  const answer = await browser.get('/api/v4/user');
  return answer.status === 200 ? (answer.body as { username: string }).username : null;
}

export async function signOut(browser: Browser): Promise<Answer> {
  const _csrf = csrfOf(await browser.get('/').expect(200));
  return browser.post('/users/sign_out').type('form').send({ _csrf });
}

/** Makes a personal access token. @returns the token */
export async function makeAccessToken(
  browser: Browser,
  scopes: string[] = ['read_user'],
  name = 'script',
): Promise<string> {
  const _csrf = csrfOf(await browser.get('/').expect(200));
  const answer = await browser
    .post('/-/profile/personal_access_tokens')
    .set('Accept', 'application/json')
    .send({ _csrf, name, scopes })
    .expect(201);
  return (answer.body as { token: string }).token;
}

/** Fills in a form of a page and sends it. */
export async function submit(
  browser: Browser,
  page: string,
  action: string,
  fields: Record<string, string> = {},
): Promise<Answer> {
  const _csrf = csrfOf(await browser.get(page).expect(200));
  return browser
    .post(action)
    .type('form')
    .send({ _csrf, ...fields });
}

/** Clicks "Connect" or "Confirm with …" and agrees at Bitbucket. @returns the answer of the callback */
export async function goToBitbucket(
  browser: Browser,
  sandbox: Sandbox,
  as: string,
  purpose: 'link' | 'confirm' = 'link',
): Promise<Answer> {
  const start = await submit(browser, '/', '/users/auth/bitbucket', { purpose });
  if (start.status !== 302) return start;
  return browser.get(pathOf(await sandbox.decide(String(start.headers['location']), { as, decision: 'allow' })));
}

/** The events of the audit log, oldest first, as `action result reason target`. */
export async function eventsOf({ services: { db } }: TestApp, ...actions: string[]): Promise<string[]> {
  const rows = await db.selectFrom('audit_events').selectAll().where('action', 'in', actions).orderBy('id').execute();
  return rows.map(({ action, result, reason, target }) => [action, result, reason, target].filter(Boolean).join(' '));
}
