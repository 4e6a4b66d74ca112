// Somebody at the pages of importing: a Gatehouse with a Bitbucket that has repositories, and the way to them.
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { SAMPLE_PROJECTS } from '../../src/sandbox/sample-people.ts';
import type { RepositoryMaker } from '../../src/sandbox/options.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import type { Answer, Browser } from '../support/people.ts';
import { openAs, pathOf, startBoth, submit } from '../support/people.ts';
import { CONSUMER } from '../support/provider.ts';
import type { TestApp } from '../support/start-app.ts';

export const STATUS = '/import/bitbucket/status';
const READ = ['account', 'email', 'repository', 'pullrequest', 'project'];

export interface Listed {
  provider_repos: { uuid: string; full_name: string; imported: boolean; is_private: boolean }[];
  next: string | null;
  workspaces: string[];
}

interface Options {
  provider?: string;
  permissions?: string[];
  omniauth?: string;
  yaml?: string;
  repositories?: RepositoryMaker[];
}

export function start({ permissions = READ, repositories = [makeSmallSample], ...options }: Options = {}) {
  const consumer = { ...CONSUMER, name: 'Gatehouse', permissions };
  return startBoth({
    ...options,
    sandbox: {
      consumers: [{ ...consumer, callbackUrl: 'http://localhost:' }],
      repositories,
      projects: SAMPLE_PROJECTS,
    },
  });
}

/** Alice, signed in, who has let Gatehouse read her repositories. */
export async function startChoosing(
  options: Options = {},
): Promise<{ app: TestApp; sandbox: Sandbox; browser: Browser }> {
  const { app, sandbox } = await start(options);
  const browser = await openAs(app, sandbox);
  await allowImporting(browser, sandbox);
  return { app, sandbox, browser };
}

/** "Continue to Bitbucket", and agreeing there. */
export async function allowImporting(browser: Browser, sandbox: Sandbox, as = 'alice'): Promise<Answer> {
  const started = await submit(browser, STATUS, '/users/auth/bitbucket', { purpose: 'import', return_to: STATUS });
  expect(started.status).toBe(302);
  const address = String(started.headers['location']);
  expect(new URL(address).searchParams.get('scope')).toBe('account repository pullrequest project');
  return browser.get(pathOf(await sandbox.decide(address, { as, decision: 'allow' })));
}

export async function list(browser: Browser, query = ''): Promise<Listed> {
  return (await browser.get(`${STATUS}.json${query}`).expect(200)).body as Listed;
}
