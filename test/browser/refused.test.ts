// Who is refused after Bitbucket is told why, in words, and finds the way on.
import { inChromium } from './in-chromium.ts';
import { bitbucketButton, goThroughBitbucket, see, whoIs } from './people.ts';
import { openBrowser, signInWithBitbucket, startBoth } from '../support/people.ts';

inChromium('Somebody who does not come in', (open) => {
  it('and is in no admitted workspace signs out at Bitbucket and comes back as somebody else', async () => {
    const { app, sandbox } = await startBoth({ provider: ', allowed_workspaces: [acme]' });
    const page = await open({ refusals: [403] });
    await page.goto(app.url);
    await goThroughBitbucket(page, 'Carol');
    await see(page, 'You are not in an admitted workspace');
    expect(await whoIs(page, app)).toBeNull();

    await page.getByRole('link', { name: 'Use another Bitbucket account' }).click();
    await see(page, 'Sign in');
    const signInPage = page.url();
    await page.getByRole('link', { name: 'Sign out of Bitbucket' }).click();
    expect(page.url()).toContain(sandbox.url);
    await page.getByRole('button', { name: 'Sign out of the sandbox' }).click();
    await page.getByText('Nobody is signed in here').waitFor();

    await page.goto(signInPage);
    await goThroughBitbucket(page, 'Alice');
    await see(page, 'Welcome, Alice Example');
    expect(await whoIs(page, app)).toBe('alice');
  });

  it('because the account waits for approval is let in once it is approved', async () => {
    const { app } = await startBoth({ omniauth: '  block_auto_created_users: true' });
    const page = await open({ refusals: [403] });
    await page.goto(app.url);
    await goThroughBitbucket(page, 'Alice');
    await see(page, 'Your account waits for approval');
    expect(await whoIs(page, app)).toBeNull();

    await app.services.db.updateTable('accounts').set({ state: 'active' }).where('username', '=', 'alice').execute();
    await page.goto(app.url);
    await bitbucketButton(page).click();
    await see(page, 'Welcome, Alice Example');
  });

  it('because another account has the e-mail address learns that, and the other account stays untouched', async () => {
    const { app, sandbox } = await startBoth();
    await signInWithBitbucket(openBrowser(app), sandbox, 'alice');
    const page = await open({ refusals: [409] });
    await page.goto(app.url);
    await goThroughBitbucket(page, 'Twin');
    await see(page, 'Your e-mail address is in use here');
    await page.getByRole('link', { name: 'Use another Bitbucket account' }).waitFor();
    expect(await whoIs(page, app)).toBeNull();
    const accounts = await app.services.db.selectFrom('accounts').select('username').orderBy('id').execute();
    expect(accounts.map(({ username }) => username)).toEqual(['root', 'alice']);
    expect(await app.services.db.selectFrom('identities').select('id').execute()).toHaveLength(1);
  });
});
