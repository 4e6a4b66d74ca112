// A team's first days: from the first start over a stranger who waits to a provider that is switched off and on again.
import type { Page } from 'playwright-core';
import { inChromium } from './in-chromium.ts';
import { answer, bitbucketButton, continueAs, goThroughBitbucket, see, typePassword, whoIs } from './people.ts';
import { startBoth } from '../support/people.ts';

/** Sends a form that no page shows any more, as somebody does who has kept its address. */
async function forge(page: Page, action: string, fields: Record<string, string>): Promise<number> {
  const token = await page.locator('meta[name="csrf-token"]').getAttribute('content');
  const form = { _csrf: token ?? '', ...fields };
  const origin = new URL(page.url()).origin;
  const headers = { Origin: origin, 'Sec-Fetch-Site': 'same-origin' };
  const response = await page.context().request.post(`${origin}${action}`, { form, headers, maxRedirects: 0 });
  return response.status();
}

inChromium('The administration', (open) => {
  it('lets a stranger in, who connects, disconnects and sees their devices; and shuts and opens the way through Bitbucket', async () => {
    const { app } = await startBoth({ omniauth: '  block_auto_created_users: true\n' });

    const root = await open();
    await root.goto(app.url);
    await typePassword(root);
    await see(root, /^Welcome/);
    await root.goto(`${app.url}/admin/set_up`);
    await see(root, 'Set-up');
    await root.getByText(`${app.url}/users/auth`, { exact: true }).first().waitFor();
    await root.getByText('Bitbucket accepts key and secret').waitFor();

    const stranger = await open({ refusals: [403, 404] });
    await stranger.goto(app.url);
    await goThroughBitbucket(stranger, 'Alice');
    await see(stranger, 'Your account waits for approval');
    expect(await whoIs(stranger, app)).toBeNull();

    await root.goto(`${app.url}/admin?filter=waiting`);
    await root.getByRole('link', { name: 'Alice Example' }).click();
    await see(root, 'Alice Example');
    await root.getByRole('button', { name: 'Approve' }).click();
    await root.getByRole('status').waitFor();

    await stranger.goto(app.url);
    await bitbucketButton(stranger).click();
    await see(stranger, 'Welcome, Alice Example');

    // Alice connects a second account at Bitbucket, as whom she signs in there first, and takes it away again.
    await stranger.goto(`${app.url}/-/profile/account`);
    await stranger.context().clearCookies({ domain: '127.0.0.1' });
    await stranger.getByRole('button', { name: 'Connect another Bitbucket account' }).click();
    await continueAs(stranger, 'Carol');
    await answer(stranger, 'Allow');
    await see(stranger, 'Account');
    await stranger.getByText('Carol', { exact: false }).first().waitFor();
    expect(await stranger.getByRole('button', { name: 'Disconnect' }).count()).toBe(2);
    await stranger.getByRole('button', { name: 'Disconnect' }).last().click();
    await see(stranger, 'Account');
    expect(await stranger.getByRole('button', { name: 'Disconnect' }).count()).toBe(0);
    await stranger.getByText('This is your last way in').waitFor();

    await stranger.goto(`${app.url}/-/user_settings/active_sessions`);
    await see(stranger, 'Devices');
    await stranger.getByText('this device').waitFor();

    // The way through Bitbucket is shut: for the button, a form that was kept, an answer under way and a connection.
    const underWay = await open({ refusals: [404] });
    await underWay.goto(app.url);
    await bitbucketButton(underWay).click();
    await continueAs(underWay, 'Bob');
    await see(underWay, 'Gatehouse asks for access to your account');

    await root.goto(`${app.url}/admin/application_settings/general`);
    await root.getByRole('group', { name: 'Enabled OAuth authentication sources' }).getByRole('checkbox').uncheck();
    await root.getByRole('button', { name: 'Save changes' }).click();
    await root.getByRole('status').first().waitFor();

    const visitor = await open({ refusals: [404] });
    await visitor.goto(`${app.url}/users/sign_in`);
    await see(visitor, 'Sign in');
    expect(await bitbucketButton(visitor).count()).toBe(0);
    expect(await forge(visitor, '/users/auth/bitbucket', {})).toBe(404);
    await answer(underWay, 'Allow');
    await see(underWay, 'No such way to sign in');
    expect(await whoIs(underWay, app)).toBeNull();
    expect(await whoIs(stranger, app)).toBe('alice');
    expect(await forge(stranger, '/users/auth/bitbucket', { purpose: 'link' })).toBe(404);

    await root.goto(`${app.url}/admin/application_settings/general`);
    await root.getByRole('group', { name: 'Enabled OAuth authentication sources' }).getByRole('checkbox').check();
    await root.getByRole('button', { name: 'Save changes' }).click();
    await root.getByRole('status').first().waitFor();
    await visitor.goto(`${app.url}/users/sign_in`);
    await bitbucketButton(visitor).click();
    await continueAs(visitor, 'Alice');
    await see(visitor, 'Welcome, Alice Example');
  });
});
