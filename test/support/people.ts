// What a person does at the pages: open, click, type. A browser here is a supertest agent with a cookie jar.
import request from 'supertest';
import { insertAccount } from '../../src/accounts/store.ts';
import type { NewAccount } from '../../src/db/tables.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import type { TestApp, StartOptions } from './start-app.ts';
import { keepCookies } from './leaks.ts';
import { closeSandboxAtEnd, ROOT_PASSWORD, startApp } from './start-app.ts';

export type Browser = ReturnType<typeof request.agent>;
export type Answer = request.Response;

export const CONSUMER = { key: 'test-key', secret: 'test-secret-53cr3t' };

/** The YAML of a provider that the sandbox plays. */
export function providerYaml(sandbox: Sandbox, more = ''): string {
  return `omniauth:
  providers:
    - { name: bitbucket, app_id: ${CONSUMER.key}, app_secret: ${CONSUMER.secret}, url: '${sandbox.url}' ${more} }
`;
}

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

/** An account as if somebody had made it before. */
export async function makeAccount({ services }: TestApp, account: Omit<NewAccount, 'created_at'>): Promise<void> {
  const { db, now } = services;
  await db.transaction().execute((trx) => insertAccount(trx, { ...account, created_at: now() }));
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
