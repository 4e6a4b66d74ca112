// After signing out: nothing private comes back, and nothing signs in again by itself.
import { inChromium } from './in-chromium.ts';
import { answer, bitbucketButton, continueAs, see, sessionEnd, signInAs, signOut, whoIs } from './people.ts';
import { startBoth } from '../support/people.ts';

const DAY_MS = 86_400_000;

inChromium('Signing out', (open) => {
  it('leaves nothing private for the Back button, neither from the cache nor from a page kept alive (SE-051)', async () => {
    const { app } = await startBoth();
    const page = await open();
    await signInAs(page, app, 'Alice');
    await page.evaluate('window.keptAlive = true');
    await signOut(page);
    await page.goBack();
    await see(page, 'Sign in');
    expect(await page.evaluate('window.keptAlive')).toBeUndefined();
    expect(await page.content()).not.toContain('Alice');
    await page.goForward();
    expect(await page.content()).not.toContain('Alice');
    expect(await whoIs(page, app)).toBeNull();
  });

  it('says that the Bitbucket session is still open: one click signs in again, for 14 days where that is ticked', async () => {
    const { app } = await startBoth();
    const page = await open();
    await signInAs(page, app, 'Alice');
    expect(await sessionEnd(page)).toBeUndefined();
    await signOut(page);
    const notice = await page.getByRole('status').textContent();
    expect(notice).toContain('You are signed out here');
    expect(notice).toContain('Your Bitbucket session is still open');
    await page.getByLabel('Remember me for 14 days with Bitbucket').check();
    await bitbucketButton(page).click();
    await see(page, 'Welcome, Alice Example');
    expect(await sessionEnd(page)).toBeGreaterThan(Date.now() + 13 * DAY_MS);
  });
});

inChromium('auto_sign_in_with_provider', (open) => {
  const omniauth = '  auto_sign_in_with_provider: bitbucket';

  it('goes to Bitbucket by itself, and not again right after signing out (SE-053)', async () => {
    const { app } = await startBoth({ omniauth });
    const page = await open();
    await page.goto(app.url);
    await continueAs(page, 'Alice');
    await answer(page, 'Allow');
    await see(page, 'Welcome, Alice Example');
    await signOut(page);
    await page.reload();
    await see(page, 'Sign in');
    expect(await whoIs(page, app)).toBeNull();
    await bitbucketButton(page).click();
    await see(page, 'Welcome, Alice Example');
  });

  it('does not send somebody round in a circle who cancelled, or who comes Back from Bitbucket', async () => {
    const { app } = await startBoth({ omniauth });
    const page = await open({ refusals: [400] });
    await page.goto(app.url);
    await continueAs(page, 'Alice');
    await answer(page, 'Cancel');
    await see(page, 'Sign-in cancelled');
    await page.getByRole('link', { name: 'Try again' }).click();
    await see(page, 'Sign in');
    await bitbucketButton(page).click();
    await see(page, 'Gatehouse asks for access to your account');
    await page.goBack();
    await see(page, 'Sign in');
  });

  it('stays with ?auto_sign_in=false, and without script, where the button is there', async () => {
    const { app, sandbox } = await startBoth({ omniauth });
    const page = await open();
    await page.goto(`${app.url}/users/sign_in?auto_sign_in=false`, { waitUntil: 'networkidle' });
    await bitbucketButton(page).waitFor();
    const withoutScript = await open({ javaScriptEnabled: false });
    await withoutScript.goto(app.url, { waitUntil: 'networkidle' });
    expect(sandbox.requestsTo('authorize')).toEqual([]);
    await bitbucketButton(withoutScript).click();
    await see(withoutScript, 'Log in to continue');
  });
});
