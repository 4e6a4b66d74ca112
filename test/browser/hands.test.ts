// The same journey by other means: by keyboard alone, and without script.
import type { Page } from 'playwright-core';
import { inChromium } from './in-chromium.ts';
import { goThroughBitbucket, see, signOut, whoIs } from './people.ts';
import { startBoth } from '../support/people.ts';

interface Stop {
  name: string;
  outlined: boolean;
  inView: boolean;
}

/** What has the focus: by its words or label, whether a ring is drawn around it, and whether it is on the screen. */
const LOOK_AT_FOCUS = `(() => {
  const stop = document.activeElement;
  const { outlineStyle, outlineWidth } = getComputedStyle(stop);
  const box = stop.getBoundingClientRect();
  return {
    name: (stop.labels?.[0] ?? stop).textContent.replace(/\\s+/g, ' ').trim(),
    outlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
    inView: box.width > 0 && box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth,
  };
})()`;

/** Presses Tab until this stop is reached. @returns every stop on the way; each must be seen */
async function tabTo(page: Page, name: string): Promise<string[]> {
  const names: string[] = [];
  while (names.at(-1) !== name) {
    if (names.length > 20) throw new Error(`no stop "${name}" among: ${names.join(', ')}`);
    await page.keyboard.press('Tab');
    const stop = await page.evaluate<Stop>(LOOK_AT_FOCUS);
    expect(stop).toEqual({ name: stop.name, outlined: true, inView: true });
    names.push(stop.name);
  }
  return names;
}

async function press(page: Page, name: string): Promise<string[]> {
  const stops = await tabTo(page, name);
  await page.keyboard.press('Enter');
  return stops;
}

inChromium('Sign-in and sign-out', (open) => {
  it('need no mouse: Tab reaches everything in reading order, with a ring around it, and Enter does it', async () => {
    const { app } = await startBoth();
    const page = await open();
    await page.goto(app.url);
    expect(await press(page, 'Sign in with Bitbucket')).toEqual([
      'Skip to content',
      'Gatehouse',
      'Username or e-mail',
      'Password',
      'Remember me for 14 days',
      'Sign in',
      'Sign in with Bitbucket',
    ]);
    await see(page, 'Log in to continue');
    await press(page, 'Continue as Alice');
    await see(page, 'Gatehouse asks for access to your account');
    await press(page, 'Allow');
    await see(page, 'Welcome, Alice Example');

    const menu = 'Account menu of Alice Example AE Alice Example';
    expect(await press(page, menu)).toEqual(['Skip to content', 'Gatehouse', menu]);
    const places = ['Projects', 'Imports', 'Your account', 'Devices'];
    expect(await press(page, 'Sign out')).toEqual([...places, 'Sign out']);
    await see(page, 'Sign in');
    expect(await whoIs(page, app)).toBeNull();
  });

  it('skip the header on request', async () => {
    const { app } = await startBoth();
    const page = await open();
    await page.goto(app.url);
    await press(page, 'Skip to content');
    expect(await tabTo(page, 'Username or e-mail')).toHaveLength(1);
  });

  it('need no script', async () => {
    const { app } = await startBoth();
    const page = await open({ javaScriptEnabled: false });
    await page.goto(app.url);
    await goThroughBitbucket(page, 'Alice');
    await see(page, 'Welcome, Alice Example');
    await signOut(page);
    await page.getByText('You are signed out here').waitFor();
    expect(await whoIs(page, app)).toBeNull();
  });
});

inChromium('The account menu', (open) => {
  it('closes by Escape, with the focus on what opened it, and by a click elsewhere', async () => {
    const { app } = await startBoth();
    const page = await open();
    await page.goto(app.url);
    await goThroughBitbucket(page, 'Alice');
    await see(page, 'Welcome, Alice Example');
    const menu = page.locator('.menu > summary');
    const isOpen = () => page.evaluate<boolean>("document.querySelector('.menu').open");
    await menu.press('Enter');
    expect(await isOpen()).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Escape');
    expect(await isOpen()).toBe(false);
    expect(await page.evaluate("document.activeElement.matches('.menu > summary')")).toBe(true);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1 }).click();
    expect(await isOpen()).toBe(false);
  });
});
