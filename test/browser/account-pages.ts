// What somebody sees of their account: devices, access tokens, events.
import { openBrowser, signInWithPassword } from '../support/people.ts';
import { typePassword } from './people.ts';
import type { PageCase } from './world.ts';
import { openSignInPage } from './world.ts';

const TOKENS = '/-/profile/personal_access_tokens';

export const DEVICES_AND_TOKENS: PageCase[] = [
  [
    'devices',
    'Devices',
    async (world) => {
      const script = openBrowser(world.app);
      script.set('User-Agent', 'curl/8.5.0');
      await signInWithPassword(script);
      await openSignInPage(world);
      await typePassword(world.page);
      await world.page.goto(`${world.app.url}/-/user_settings/active_sessions`);
    },
  ],
  ['devices-ended', 'Devices', ({ page }) => page.getByRole('button', { name: 'Sign out there' }).click()],
  ['tokens-none', 'Access for scripts', ({ page, app }) => page.goto(app.url + TOKENS)],
  [
    'tokens-mistake',
    'Access for scripts',
    async ({ page }) => {
      await page.getByLabel('Name').fill('nightly report of all that happened in the last twenty-four hours');
      await page.getByRole('button', { name: 'Make the token' }).click();
      await page.getByText('Tick at least one').waitFor();
    },
  ],
  [
    'tokens-made',
    'Access for scripts',
    async ({ page }) => {
      await page.getByLabel('Read who you are').check();
      await page.getByRole('button', { name: 'Make the token' }).click();
      await page.getByText('Copy it now').waitFor();
    },
  ],
  ['tokens', 'Access for scripts', ({ page, app }) => page.goto(app.url + TOKENS)],
  ['own-events', 'Events', ({ page, app }) => page.goto(`${app.url}/-/user_settings/authentication_log`)],
];
