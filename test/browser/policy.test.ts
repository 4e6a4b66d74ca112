// What our policies and cookies are for: a page of ours runs no foreign script, and a page of others holds none of ours.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startBoth } from '../support/people.ts';
import { closeAtEnd } from '../support/start-app.ts';
import { inChromium } from './in-chromium.ts';
import { signInAs, whoIs } from './people.ts';

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
