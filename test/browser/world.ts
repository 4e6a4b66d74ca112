// A page of ours as a case: its name, its heading, and how people get there. The cases of one table share a server and a
// window, so each begins where the one before it ended.
import type { Page } from 'playwright-core';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { providerYaml } from '../support/provider.ts';
import { makeAccount } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { bitbucketButton } from './people.ts';

export interface World {
  page: Page;
  app: TestApp;
  sandbox: Sandbox;
}

export type PageCase = [name: string, heading: string | RegExp, open: (world: World) => Promise<unknown>];

/** Another configuration: further keys of the provider, then a line of `omniauth:` and one of the file. */
export function configure({ app, sandbox }: World, provider: string, omniauth = '', yaml = ''): void {
  app.reconfigure(`${providerYaml(sandbox, provider)}${omniauth && `  ${omniauth}\n`}${yaml}`);
}

export const openSignInPage = ({ page, app }: World, query = '') => page.goto(`${app.url}/users/sign_in${query}`);

/** By somebody who is known at Bitbucket and has allowed it already, the only click there is. */
export async function clickBitbucket(world: World): Promise<void> {
  await openSignInPage(world);
  await bitbucketButton(world.page).click();
}

export async function addWaitingAccount({ app }: World, username: string, email: string | null): Promise<void> {
  await makeAccount(app, { username, email, state: 'waiting' });
}
