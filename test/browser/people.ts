// What a person sees and does in a browser window: at our pages, and at the sandbox's as if it were Bitbucket.
import type { Page } from 'playwright-core';
import { ROOT_PASSWORD } from '../support/start-app.ts';

export interface Server {
  url: string;
}

export const bitbucketButton = (page: Page) => page.getByRole('button', { name: 'Sign in with Bitbucket' });

/** Waits for the page with this heading, and until all of it is there and its script has run. */
export async function see(page: Page, heading: string | RegExp): Promise<void> {
  await page.getByRole('heading', { level: 1, name: heading }).waitFor();
  await page.waitForLoadState('load');
}

/** At Bitbucket's account page; the name is the sandbox's key, such as `Alice`. */
export async function continueAs(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: `Continue as ${name}` }).click();
}

/** At Bitbucket's consent page. */
export async function answer(page: Page, decision: 'Allow' | 'Cancel'): Promise<void> {
  await page.getByRole('button', { name: decision }).click();
}

/** From the sign-in page through Bitbucket, for the first time in this window. What comes of it is for the test to see. */
export async function goThroughBitbucket(page: Page, name: string): Promise<void> {
  await bitbucketButton(page).click();
  await continueAs(page, name);
  await answer(page, 'Allow');
}

export async function signInAs(page: Page, server: Server, name: string): Promise<void> {
  await page.goto(server.url);
  await goThroughBitbucket(page, name);
  await see(page, /^Welcome/);
}

export async function typePassword(page: Page, password = ROOT_PASSWORD, login = 'root'): Promise<void> {
  await page.getByLabel('Username or e-mail').fill(login);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

export async function signOut(page: Page): Promise<void> {
  await page.locator('summary').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await see(page, 'Sign in');
}

/** @returns the username of whoever is signed in in this window, or null */
export async function whoIs(page: Page, server: Server): Promise<string | null> {
  const response = await page.context().request.get(`${server.url}/api/v4/user`);
  return response.ok() ? ((await response.json()) as { username: string }).username : null;
}

/** The session cookie's end, as a time in milliseconds; undefined when it ends with the browser. */
export async function sessionEnd(page: Page): Promise<number | undefined> {
  const cookie = (await page.context().cookies()).find(({ name }) => name === 'gatehouse');
  if (!cookie) throw new Error('there is no session cookie');
  return cookie.expires === -1 ? undefined : cookie.expires * 1000;
}
