// Every page of ours, met as people meet it: axe finds nothing wrong with it, in light and dark, at a desk and on a phone.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createHttp } from '../../src/bitbucket/http.ts';
import { startBoth } from '../support/people.ts';
import { DEVICES_AND_TOKENS } from './account-pages.ts';
import { ADMIN_PAGES } from './admin-pages.ts';
import { OTHER_ERRORS, REFUSALS_AFTER_BITBUCKET, TROUBLE_WITH_BITBUCKET } from './error-pages.ts';
import { inChromium } from './in-chromium.ts';
import { lookAt } from './looks.ts';
import { ACCOUNT_PAGES, HOME_PAGES, SANDBOX_PAGES, SIGN_IN_PAGES } from './own-pages.ts';
import { see } from './people.ts';
import { PROJECT_PAGES } from './project-pages.ts';

const EVERY_REFUSAL = [400, 403, 404, 405, 409, 413, 421, 422, 429, 500, 502, 503, 504];
const PICTURE = join(import.meta.dirname, '../../docs/sign-in.png');

inChromium('No barrier', (open) => {
  it.each([
    ['on the sign-in page in all its forms', SIGN_IN_PAGES],
    ['on the pages of the sandbox', SANDBOX_PAGES],
    ['on the home page of members and of administrators', HOME_PAGES],
    ['on the pages of imported projects', PROJECT_PAGES],
    ['on devices, access tokens and own events', DEVICES_AND_TOKENS],
    ['on the pages of the administration', ADMIN_PAGES],
    ["on the pages of one's account", ACCOUNT_PAGES],
    ['on the page for somebody who does not come in', REFUSALS_AFTER_BITBUCKET],
    ['on the page that tells of trouble with Bitbucket', TROUBLE_WITH_BITBUCKET],
    ['on any other error page', OTHER_ERRORS],
  ])('%s', async (_where, cases) => {
    // Short only where it is what ends a sign-in: an answer that is awaited takes its time on a busy machine.
    const http = createHttp({ deadlineMs: cases === TROUBLE_WITH_BITBUCKET ? 3000 : 30_000 });
    const world = { ...(await startBoth({ http })), page: await open({ refusals: EVERY_REFUSAL }) };
    const findings: string[] = [];
    for (const [name, heading, openPage] of cases) {
      await openPage(world);
      await see(world.page, heading);
      findings.push(...(await lookAt(world.page, name)));
    }
    expect(findings).toEqual([]);
  });
});

inChromium('The picture of the sign-in page', (open) => {
  it('is in docs/, taken anew where it is missing or GATEHOUSE_WRITE_PICTURE=1 asks for it', async () => {
    if (!existsSync(PICTURE) || process.env['GATEHOUSE_WRITE_PICTURE'] === '1') {
      const { app } = await startBoth();
      const page = await open({ viewport: { width: 1280, height: 800 }, colorScheme: 'light' });
      await page.goto(app.url);
      await page.screenshot({ path: PICTURE });
    }
    expect(existsSync(PICTURE)).toBe(true);
  });
});
