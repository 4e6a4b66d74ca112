// The sign-in page in all its forms, the sandbox's pages between, and home.
import { providerYaml } from '../support/provider.ts';
import { openBrowser, signInWithPassword } from '../support/people.ts';
import { continueAs, goThroughBitbucket, signInAs, signOut, typePassword } from './people.ts';
import type { PageCase } from './world.ts';
import { addWaitingAccount, clickBitbucket, configure, openSignInPage } from './world.ts';

export const SIGN_IN_PAGES: PageCase[] = [
  ['sign-in', 'Sign in', (world) => openSignInPage(world)],
  [
    'wrong-password',
    'Sign in',
    async ({ page }) => {
      await typePassword(page, 'not the password');
      await page.getByRole('alert').waitFor();
    },
  ],
  ['other-account', 'Sign in', (world) => openSignInPage(world, '?other_account=true')],
  [
    'signed-out',
    'Sign in',
    async (world) => {
      await signInAs(world.page, world.app, 'Alice');
      await signOut(world.page);
      await world.page.getByRole('status').waitFor();
    },
  ],
  [
    'two-providers',
    'Sign in',
    async (world) => {
      await world.page.context().clearCookies();
      const second = `name: company, label: 'Company Bitbucket', app_id: a, app_secret: b, url: '${world.sandbox.url}', args: { strategy: bitbucket }`;
      world.app.reconfigure(`${providerYaml(world.sandbox)}    - { ${second} }\n`);
      await openSignInPage(world);
    },
  ],
  [
    'provider-only',
    'Sign in',
    (world) => {
      configure(world, '', '', 'password_sign_in: false');
      return openSignInPage(world);
    },
  ],
  [
    'going-by-itself',
    'Sign in',
    async (world) => {
      configure(world, '', 'auto_sign_in_with_provider: bitbucket');
      // What people see for a moment, held.
      await world.page.addInitScript('HTMLFormElement.prototype.requestSubmit = () => undefined');
      await openSignInPage(world);
      await world.page.getByText('Taking you to Bitbucket…').waitFor();
    },
  ],
  [
    'no-provider-yet',
    'Sign in',
    (world) => {
      world.app.reconfigure('');
      return openSignInPage(world);
    },
  ],
  [
    'no-way-in',
    'Sign in',
    (world) => {
      world.app.reconfigure('password_sign_in: false\nomniauth: { enabled: false }');
      return openSignInPage(world);
    },
  ],
];

/** Not ours, but what people of the demo see on the way. */
export const SANDBOX_PAGES: PageCase[] = [
  ['sandbox-account', 'Log in to continue', clickBitbucket],
  ['sandbox-consent', /^Gatehouse asks/, ({ page }) => continueAs(page, 'Alice')],
  ['sandbox-sign-out', 'Bitbucket sandbox', ({ page, sandbox }) => page.goto(sandbox.url)],
];

export const HOME_PAGES: PageCase[] = [
  ['home-member', 'Welcome, Alice Example', ({ page, app }) => signInAs(page, app, 'Alice')],
  ['home-menu', 'Welcome, Alice Example', ({ page }) => page.locator('summary').click()],
  ['not-found-signed-in', 'Not found', ({ page, app }) => page.goto(`${app.url}/nowhere`)],
  [
    'home-without-email',
    'Welcome, Dänïel Müller 🦊',
    async ({ page, app, sandbox }) => {
      sandbox.person('dan').emails = [];
      await page.context().clearCookies();
      await signInAs(page, app, 'Dan');
    },
  ],
  [
    'home-root',
    /^Welcome/,
    async (world) => {
      await world.page.context().clearCookies();
      await openSignInPage(world);
      await typePassword(world.page);
    },
  ],
  [
    'home-root-to-do',
    /^Welcome/,
    async (world) => {
      await addWaitingAccount(world, 'somebody', null);
      await addWaitingAccount(world, 'somebody-else', null);
      world.app.reconfigure('');
      await world.page.reload();
    },
  ],
];

export const ACCOUNT_PAGES: PageCase[] = [
  [
    'account',
    'Account',
    async ({ page, app }) => {
      await signInAs(page, app, 'Alice');
      await page.goto(`${app.url}/-/profile/account`);
    },
  ],
  [
    'account-refused',
    'Account',
    async ({ page }) => {
      await page.getByLabel('New password', { exact: true }).fill('one password');
      await page.getByLabel('New password again').fill('another one');
      await page.getByRole('button', { name: 'Set password' }).click();
      await page.getByRole('alert').waitFor();
    },
  ],
  [
    'account-with-notices-long-ago',
    'Account',
    async ({ page, app }) => {
      for (let tries = 0; tries < 3; tries += 1) await signInWithPassword(openBrowser(app), 'alice', 'no');
      await app.services.db
        .updateTable('sessions')
        .set({ created_at: Date.now() - 3_600_000 })
        .execute();
      await page.goto(`${app.url}/-/profile/account`);
      await page.getByText('(3 times, last)').waitFor();
    },
  ],
  ['confirm', 'Confirm that it is you', ({ page }) => page.getByRole('link', { name: 'Confirm' }).click()],
  [
    'link',
    'Is this account yours?',
    async ({ page, app }) => {
      await page.context().clearCookies();
      await page.goto(app.url);
      await goThroughBitbucket(page, 'Twin');
      await page.getByRole('link', { name: 'Prove that the account is yours' }).click();
    },
  ],
];
