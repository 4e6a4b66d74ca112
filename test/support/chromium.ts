// Finds a Chromium on this machine and launches it. Where there is none, the browser tests are left out.
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Browser } from 'playwright-core';
import { chromium } from 'playwright-core';

const USUAL_PLACES: Partial<Record<NodeJS.Platform, string[]>> = {
  linux: [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/usr/bin/google-chrome-stable',
    '/snap/bin/chromium',
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: [
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ],
};

/** Nothing but the pages under test is fetched, and nothing of the machine's graphics is needed. */
const ARGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Fewer processes: each step of a sign-in goes to another site, and a new process costs more than the page. What the
  // pages may do to each other (cookies, policies, openers) stays as it is.
  '--disable-site-isolation-trials',
  '--renderer-process-limit=1',
];

/** @returns the path in CHROMIUM_PATH, else the first usual place that exists */
export function findChromium(env = process.env): string | undefined {
  return env['CHROMIUM_PATH'] || USUAL_PLACES[process.platform]?.find((place) => existsSync(place));
}

/** Why the browser tests are left out, or undefined when they run. */
export function whyNoBrowserTests(env = process.env): string | undefined {
  if (findChromium(env) !== undefined) return undefined;
  return 'Browser tests left out: no Chromium in the usual places. Name one with CHROMIUM_PATH=…';
}

/** @throws Error when no Chromium is found or it does not start */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(whyNoBrowserTests());
  const isRoot = process.platform !== 'win32' && userInfo().uid === 0;
  return chromium.launch({
    executablePath,
    timeout: 100_000, // three of them may start at once, beside everything else
    // Chromium refuses to start its sandbox as root, as in most containers.
    args: isRoot ? [...ARGS, '--no-sandbox'] : ARGS,
    // Playwright switches off what keeps a left page alive for the Back button; people have it, so it is tested, too.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
}
