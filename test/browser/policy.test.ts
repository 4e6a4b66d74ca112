// What our policies and cookies are for: a page of ours runs no foreign script, a page of others holds none of ours, and
// nothing secret stays in an address.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { closeAtEnd } from '../support/at-end.ts';
import { startBoth } from '../support/people.ts';
import { inChromium } from './in-chromium.ts';
import { answer, bitbucketButton, continueAs, see, signInAs, whoIs } from './people.ts';

const TOKEN = 'LEAK-0123456789';

/** A page of another site. */
async function openElsewhere(page: Page, html: string): Promise<void> {
  await page.route('http://elsewhere.test/**', (route) => route.fulfill({ contentType: 'text/html', body: html }));
  await page.goto('http://elsewhere.test/');
}

inChromium('Policies', (open) => {
  it('a script that somebody smuggled into a page of ours does not run (HT-004)', async () => {
    const { app } = await startBoth();
    const page = await open({ broken: 'default-src', refusals: [404] });
    await page.route(`${app.url}/users/sign_in`, async (route) => {
      const response = await route.fetch();
      const smuggled =
        '<script>document.title = "zz"</script><img src="x" onerror="document.title = \'zz\'"><p style="color: red">x</p>';
      await route.fulfill({
        response,
        body: (await response.text()).replace('<main', `${smuggled}<main`),
        headers: response.headers(),
      });
    });
    await page.goto(`${app.url}/users/sign_in`);
    expect(await page.title()).not.toContain('zz');
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('a page of another site can neither show ours in a frame nor ask with our session (HT-004, HT-026)', async () => {
    const { app } = await startBoth();
    const page = await open({ broken: 'frame-ancestors', refusals: [401] });
    await signInAs(page, app, 'Alice');
    const html = `<title>evil</title><iframe src="${app.url}/"></iframe><iframe src="${app.url}/api/v4/user"></iframe>`;
    // 127.0.0.1 is another site than localhost.
    const evil = createServer((_req, res) => res.setHeader('Content-Type', 'text/html').end(html)).listen(
      0,
      '127.0.0.1',
    );
    closeAtEnd(() => void evil.close(() => undefined).closeAllConnections());
    await once(evil, 'listening');
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
    const statuses = app.log
      .map((line) => JSON.parse(line) as { path?: string; status?: number })
      .filter(({ path }) => path === '/api/v4/user');
    expect(statuses.at(-1)).toMatchObject({ status: 401 });
    for (const frame of page.frames().slice(1)) expect(await frame.content()).not.toMatch(/Alice|alice/);
    expect(await whoIs(page, app)).toBe('alice');
  });
});

inChromium('The address', (open) => {
  it('loses a token that comes as its fragment, and nothing sends or keeps that token (CB-055)', async () => {
    const { app } = await startBoth();
    const page = await open({ refusals: [400] });
    const sent: string[] = [];
    page.on('request', (request) => sent.push(request.url() + JSON.stringify(request.headers()) + request.postData()));
    await page.goto(`${app.url}/users/auth#access_token=${TOKEN}&token_type=bearer`);
    await see(page, 'This sign-in is no longer valid');
    await page.waitForFunction('window.location.hash === ""');
    await page.getByRole('link', { name: 'Try again' }).click();
    await see(page, 'Sign in');
    expect(page.url()).not.toContain(TOKEN);
    await page.goBack();
    await see(page, 'This sign-in is no longer valid');
    expect(page.url()).toBe(`${app.url}/users/auth`);
    expect(
      await page.evaluate(
        'JSON.stringify([window.location.href, document.referrer, { ...window.sessionStorage }, { ...window.localStorage }])',
      ),
    ).not.toContain(TOKEN);
    // The first request is the navigation itself, whose address Playwright shows with the fragment that no server gets.
    expect(sent.slice(1).filter((request) => request.includes(TOKEN))).toEqual([]);
    expect(app.log.join()).not.toContain(TOKEN);
  });

  it('carries neither code nor state after a sign-in, not even for the Back button', async () => {
    const { app } = await startBoth();
    const page = await open();
    const addresses: string[] = [];
    page.on('framenavigated', (frame) => addresses.push(frame.url()));
    await page.goto(app.url);
    await bitbucketButton(page).click();
    await continueAs(page, 'Alice');
    await answer(page, 'Allow');
    await see(page, 'Welcome, Alice Example');
    expect(addresses.filter((address) => address.startsWith(app.url) && /code=|state=/.test(address))).toEqual([]);
  });
});

inChromium('Another site', (open) => {
  it('that opens the sign-in page in a window has no hold on it, nor that page on the other site (RD-014)', async () => {
    const { app } = await startBoth();
    const page = await open();
    await openElsewhere(page, `<button onclick="popup = window.open('${app.url}/users/sign_in')">open</button>`);
    const opened = page.waitForEvent('popup');
    await page.getByRole('button').click();
    const popup = await opened;
    await see(popup, 'Sign in');
    expect(await popup.evaluate('window.opener')).toBeNull();
    await page.waitForFunction('popup.closed'); // cut off: it looks closed from there
  });

  it('that puts the sign-in page into a frame shows nothing (RD-014)', async () => {
    const { app } = await startBoth();
    const page = await open({ broken: 'frame-ancestors' });
    await openElsewhere(page, `<iframe src="${app.url}/users/sign_in"></iframe>`);
    expect(page.frames()[1]?.url()).toBe('chrome-error://chromewebdata/');
  });
});
