// Signing in, as a person does it: at Bitbucket, played by the sandbox on another site, with the regular form, or by a
// one-time link. Who is refused after Bitbucket is told why, in words, and finds the way on.
import { makeSignInLink } from '../../src/accounts/sign-in-links.ts';
import { findAccountByUsername } from '../../src/accounts/store.ts';
import { keepSecret } from '../support/leaks.ts';
import { openBrowser, signInWithBitbucket, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';
import { inChromium } from './in-chromium.ts';
import {
  answer,
  bitbucketButton,
  continueAs,
  goThroughBitbucket,
  see,
  sessionEnd,
  typePassword,
  whoIs,
} from './people.ts';

const DAY_MS = 86_400_000;

inChromium('Sign-in with Bitbucket', (open) => {
  it('leads through the account page and the consent page back home, no policy in the way, no cookie in the page (HT-004, HT-026, SE-029)', async () => {
    const { app, sandbox } = await startBoth();
    const page = await open();
    await page.goto(app.url);
    expect(page.url()).toBe(`${app.url}/users/sign_in`);
    expect(await page.evaluate('document.cookie')).toBe('');

    await bitbucketButton(page).click();
    await see(page, 'Log in to continue');
    expect(page.url()).toContain(`${sandbox.signInUrl}login?`);
    await continueAs(page, 'Alice');
    await see(page, 'Gatehouse asks for access to your account');
    expect(page.url()).toContain(`${sandbox.url}site/oauth2/authorize?`);
    await answer(page, 'Allow');

    await see(page, 'Welcome, Alice Example');
    expect(page.url()).toBe(`${app.url}/`);
    expect(await whoIs(page, app)).toBe('alice');

    expect(await page.evaluate('document.cookie')).toBe('');
    const ours = await page.context().cookies(app.url);
    expect(ours.map(({ name }) => name)).toContain('gatehouse');
    for (const cookie of ours) expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax', domain: 'localhost' });
  });

  it('would be stopped by a form-action that names us alone, so the journey above proves something (HT-004)', async () => {
    const { app } = await startBoth();
    const page = await open({ broken: 'form-action' });
    const signInPage = `${app.url}/users/sign_in`;
    await page.route(signInPage, async (route) => {
      const response = await route.fetch();
      const headers = { ...response.headers(), 'content-security-policy': "form-action 'self'" };
      await route.fulfill({ response, headers });
    });
    await page.goto(signInPage);
    const complaint = page.waitForEvent('console');
    await bitbucketButton(page).click();
    expect((await complaint).text()).toContain('form-action');
    expect(page.url()).toBe(signInPage);
  });

  it('can be cancelled at Bitbucket and tried again, still on the way to the same page', async () => {
    const { app } = await startBoth();
    const page = await open({ refusals: [400] });
    await page.goto(`${app.url}/users/sign_in?return_to=/?from=mail`);
    await bitbucketButton(page).click();
    await continueAs(page, 'Alice');
    await answer(page, 'Cancel');
    await see(page, 'Sign-in cancelled');
    expect(await whoIs(page, app)).toBeNull();

    await page.getByRole('link', { name: 'Try again' }).click();
    await bitbucketButton(page).click();
    await answer(page, 'Allow');
    await see(page, 'Welcome, Alice Example');
    expect(page.url()).toBe(`${app.url}/?from=mail`);
  });

  it('works in two tabs at once; each ends at its own page', async () => {
    const { app } = await startBoth();
    const first = await open();
    const second = await first.context().newPage();
    await first.goto(`${app.url}/users/sign_in?return_to=/?tab=first`);
    await second.goto(`${app.url}/users/sign_in?return_to=/?tab=second`);
    await bitbucketButton(first).click();
    await bitbucketButton(second).click();
    await continueAs(second, 'Alice');
    await answer(second, 'Allow');
    await see(second, 'Welcome, Alice Example');
    await continueAs(first, 'Alice');
    await see(first, 'Welcome, Alice Example');
    expect([first.url(), second.url()]).toEqual([`${app.url}/?tab=first`, `${app.url}/?tab=second`]);
    await second.reload();
    await see(second, 'Welcome, Alice Example');
  });

  it('says so when Bitbucket is in trouble, and works once the trouble is over', async () => {
    const { app, sandbox } = await startBoth();
    const page = await open({ refusals: [502] });
    await page.goto(app.url);
    sandbox.fault('token', { kind: 'reset' });
    await goThroughBitbucket(page, 'Alice');
    await see(page, 'Bitbucket did not answer properly');
    expect(await whoIs(page, app)).toBeNull();

    sandbox.clearFaults();
    await page.getByRole('link', { name: 'Try again' }).click();
    await bitbucketButton(page).click();
    await see(page, 'Welcome, Alice Example');
  });

  it('is offered at the configured address to somebody who came to http://127.0.0.1', async () => {
    const { app } = await startBoth();
    const page = await open();
    await page.goto(`http://127.0.0.1:${app.port}/users/sign_in?return_to=/?from=ip`);
    expect(page.url()).toBe(`${app.url}/users/sign_in?return_to=/?from=ip`);
    await bitbucketButton(page).waitFor();
  });
});

inChromium('The regular form', (open) => {
  it('says what was wrong, keeps the name, waits in the password field, and lets the right password in', async () => {
    const { app } = await startBoth();
    const page = await open({ refusals: [422] });
    await page.goto(`${app.url}/users/sign_in?return_to=/?from=form`);
    await typePassword(page, 'not the password');
    const alert = page.getByRole('alert');
    expect(await alert.textContent()).toContain('The username, e-mail address or password is not right.');
    const password = page.getByLabel('Password');
    const id = await password.getAttribute('aria-describedby');
    expect(await page.locator(`#${id}`).textContent()).toBe((await alert.textContent())?.trim());
    expect(await page.getByLabel('Username or e-mail').inputValue()).toBe('root');
    expect(await password.inputValue()).toBe('');
    expect(await page.evaluate('document.activeElement.id')).toBe('password');

    await page.getByLabel('Remember me for 14 days', { exact: true }).check();
    await page.keyboard.press('Shift+Tab');
    await typePassword(page);
    await see(page, /^Welcome/);
    expect(page.url()).toBe(`${app.url}/?from=form`);
    expect(await whoIs(page, app)).toBe('root');
    expect(await sessionEnd(page)).toBeGreaterThan(Date.now() + 13 * DAY_MS);
  });
});

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

// The token stands behind the #, and stays in no address and no request but the form.
async function makeLink({ url, services: { db, now } }: TestApp): Promise<{ link: string; token: string }> {
  const root = await findAccountByUsername(db, 'root');
  const token = await db.transaction().execute((trx) => makeSignInLink(trx, root?.id ?? 0, now()));
  keepSecret('token of a one-time link', token);
  return { link: `${url}/users/one_time_sign_in#${token}`, token };
}

inChromium('A one-time link', (open) => {
  it('fills the form, leaves the address bar and the history, and signs in on a click (CB-055)', async () => {
    const app = await startApp();
    const { link, token } = await makeLink(app);
    const page = await open();
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.url() + JSON.stringify(request.headers())));
    await page.goto(link);
    await page.waitForFunction('window.location.hash === ""');
    expect(await page.getByLabel('One-time link').inputValue()).toBe(token);
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Sign in');
    await page.keyboard.press('Enter');
    await see(page, 'Welcome, Administrator');
    await page.getByText('You are signed in by a one-time link').waitFor();
    await page.goBack();
    expect(page.url()).toBe(link.split('#')[0]);
    // The first request is the navigation itself, whose address Playwright shows with the fragment that no server gets.
    expect(sent.slice(1).filter((request) => request.includes(token))).toEqual([]);
  });

  it('can be pasted where scripts do not run', async () => {
    const app = await startApp();
    const { link } = await makeLink(app);
    const page = await open({ javaScriptEnabled: false });
    await page.goto(`${app.url}/users/one_time_sign_in`);
    await page.getByLabel('One-time link').fill(link);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await see(page, 'Welcome, Administrator');
  });
});
