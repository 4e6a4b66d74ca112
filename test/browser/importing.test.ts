// Two repositories brought home in a real browser, by somebody who reads nothing but the pages; axe looks at each of them.
import type { Page } from 'playwright-core';
import { SAMPLE_CONTRIBUTORS, SAMPLE_PROJECTS } from '../../src/sandbox/sample-people.ts';
import { makeRichSample } from '../../src/sandbox/sample-rich.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { startWorker } from '../imports/world.ts';
import { CONSUMER } from '../support/provider.ts';
import { startBoth } from '../support/people.ts';
import { inChromium } from './in-chromium.ts';
import { lookAt } from './looks.ts';
import { answer, see, signInAs, signOut, typePassword } from './people.ts';

const PERMISSIONS = ['account', 'email', 'repository', 'pullrequest', 'project'];

function startWithRepositories() {
  const consumer = { ...CONSUMER, name: 'Gatehouse', permissions: PERMISSIONS, callbackUrl: 'http://localhost:' };
  return startBoth({
    sandbox: {
      consumers: [consumer],
      repositories: [makeSmallSample, makeRichSample],
      contributors: SAMPLE_CONTRIBUTORS,
      projects: SAMPLE_PROJECTS,
    },
  });
}

/** Until no import is under way: the page changes by itself. */
async function waitForEnd(page: Page): Promise<void> {
  await page.locator('[data-over="false"]').first().waitFor({ state: 'detached', timeout: 120_000 });
}

inChromium('Bringing repositories home', (open) => {
  it('choose, import, watch, look at what came', async () => {
    const { app, sandbox } = await startWithRepositories();
    const page = await open();
    const findings: string[] = [];
    const look = async (name: string) => findings.push(...(await lookAt(page, name)));

    await signInAs(page, app, 'Alice');
    await page.getByRole('link', { name: 'Import from Bitbucket' }).click();
    await see(page, 'Import from Bitbucket');
    await look('import-ask');
    await page.getByRole('button', { name: 'Continue to Bitbucket' }).click();
    await answer(page, 'Allow');
    await see(page, 'Import from Bitbucket');
    await look('import-choose');

    const [small, rich] = sandbox.repositories.map(({ workspace, slug }) => `${workspace}/${slug}`);
    for (const name of [small, rich]) await page.getByRole('checkbox', { name: new RegExp(`^${name} `) }).check();
    await page.getByRole('button', { name: 'Import what is ticked' }).click();
    await see(page, 'Your imports');
    await look('imports-queued');
    startWorker({ app });
    await waitForEnd(page);
    await look('imports-over');

    await page.getByRole('link', { name: String(rich), exact: true }).click();
    await see(page, `Import of ${rich}`);
    await look('import-report');
    await page.locator('main a[href*="/projects/"]').first().click();
    await page
      .getByRole('link', { name: /Pull requests/ })
      .first()
      .click();
    await see(page, 'Pull requests');

    await page.goto(`${app.url}/import/bitbucket/status`);
    await see(page, 'Import from Bitbucket');
    expect(await page.getByText('Imported:').count()).toBe(2);
    await page.goto(`${app.url}/import/bitbucket/credentials`);
    await see(page, 'What may be read at Bitbucket');
    await look('import-credentials');

    const path = `alice/${small?.split('/')[1]}`;
    await page.goto(`${app.url}/projects/${path}`);
    await page.getByText('Delete this project').click();
    await look('project-delete');
    await page.getByLabel(`Type ${path} to confirm`).fill(path);
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText(`${path} was deleted`).waitFor();

    await page.goto(app.url);
    await signOut(page);
    await typePassword(page);
    await page.goto(`${app.url}/admin/imports`);
    await see(page, 'Imports');
    await look('admin-imports');
    expect(findings).toEqual([]);
  });
});
