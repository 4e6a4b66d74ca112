// Signing in, as a person does it: at Bitbucket, played by the sandbox on another site, or with the regular form.
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
import { startBoth } from '../support/people.ts';

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
