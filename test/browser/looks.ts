// How a page is looked at: by axe in light and dark, at a desk and on a small phone, for sideways scrolling and
// for lists that stand beside the heading of their column.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const PHONE = { width: 320, height: 640 };
const DESK = { width: 1280, height: 800 };

const LOOKS = [
  { name: 'light-desk', colorScheme: 'light', viewport: DESK },
  { name: 'dark-desk', colorScheme: 'dark', viewport: DESK },
  { name: 'dark-phone', colorScheme: 'dark', viewport: PHONE },
  { name: 'light-phone', colorScheme: 'light', viewport: PHONE },
] as const;

/** What another colour scheme or width may change; all the rest is the same page and looked at once. */
const RULES_OF_LOOK = ['color-contrast', 'target-size', 'link-in-text-block', 'scrollable-region-focusable'];

/** One line per violation. target-size (WCAG 2.2) is off in axe unless asked for. */
function runAxe(onlyLook: boolean): string {
  const options = {
    resultTypes: ['violations'],
    rules: { 'target-size': { enabled: true } },
    ...(onlyLook ? { runOnly: RULES_OF_LOOK } : {}),
  };
  return `axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ' ' + nodes.map(({ html }) => html).join(' ')))`;
}

/** What stands in a cell begins below its heading. */
const INDENTED = `[...document.querySelectorAll('td > ul > li')]
  .filter((item) => {
    const cell = item.closest('td');
    return item.getBoundingClientRect().left > cell.getBoundingClientRect().left + parseFloat(getComputedStyle(cell).paddingLeft) + 1;
  })
  .map((item) => item.textContent.trim())`;

const SIDEWAYS = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';

/**
 * Playwright evaluates outside the page's policy, so axe runs on the page exactly as it is served.
 * With GATEHOUSE_SHOTS=FOLDER every look is kept there as a picture, to see what people see.
 * @returns what is wrong, a line each
 */
export async function lookAt(page: Page, name: string): Promise<string[]> {
  const findings: string[] = [];
  await page.evaluate(AXE);
  for (const [index, look] of LOOKS.entries()) {
    await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: 'reduce' });
    await page.setViewportSize(look.viewport);
    const violations = await page.evaluate<string[]>(runAxe(index > 0));
    findings.push(...violations.map((violation) => `${name} ${look.name}: ${violation}`));
    const indented = await page.evaluate<string[]>(INDENTED);
    findings.push(...indented.map((text) => `${name} ${look.name}: indented in its cell: ${text}`));
    const sideways = await page.evaluate<number>(SIDEWAYS);
    if (sideways > 0) findings.push(`${name} ${look.name}: ${sideways} px wider than the window`);
    const folder = process.env['GATEHOUSE_SHOTS'];
    if (folder) await page.screenshot({ path: join(folder, `${name}-${look.name}.png`), fullPage: true });
  }
  return findings;
}
