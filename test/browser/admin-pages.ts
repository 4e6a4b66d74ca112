// The pages of the administration, with the people and names that are hardest to fit.
import { typePassword, signInAs } from './people.ts';
import type { PageCase } from './world.ts';
import { addWaitingAccount, openSignInPage } from './world.ts';

const LONG = 'Wolfeschlegelsteinhausenbergerdorff-the-very-long-user-name1';

export const ADMIN_PAGES: PageCase[] = [
  [
    'admin-users',
    'Users',
    async (world) => {
      await signInAs(world.page, world.app, 'Alice');
      await world.page.context().clearCookies();
      await addWaitingAccount(world, LONG.toLowerCase(), `${LONG.slice(0, 60)}@example-of-a-long-domain-name.test`);
      await openSignInPage(world);
      await typePassword(world.page);
      await world.page.goto(`${world.app.url}/admin`);
    },
  ],
  ['admin-users-none', 'Users', ({ page, app }) => page.goto(`${app.url}/admin?filter=blocked`)],
  [
    'admin-user-waiting',
    LONG.toLowerCase(),
    async ({ page, app }) => {
      await page.goto(`${app.url}/admin?filter=waiting`);
      await page.getByRole('link', { name: LONG.toLowerCase() }).click();
    },
  ],
  [
    'admin-user',
    'Alice Example',
    async ({ page, app }) => {
      await page.goto(`${app.url}/admin`);
      await page.getByRole('link', { name: 'Alice Example' }).click();
      for (const summary of ['Edit name and e-mail address', 'Correct this identity'])
        await page.getByText(summary).click();
    },
  ],
  [
    'admin-user-told',
    'Alice Example',
    async ({ page }) => {
      await page.getByRole('button', { name: 'Block' }).click();
      await page.getByText('Alice Example is blocked').waitFor();
    },
  ],
  ['admin-audit-log', 'Audit log', ({ page, app }) => page.goto(`${app.url}/admin/audit_log`)],
  ['admin-audit-log-none', 'Audit log', ({ page, app }) => page.goto(`${app.url}/admin/audit_log?account=nobody`)],
];
