// Tests in a real Chromium: one per file, a fresh window with its own cookies whenever one is opened, and nothing in its
// console that a test did not expect: no broken policy, no failing script, no missing file.
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { launchChromium, whyNoBrowserTests } from '../support/chromium.ts';

export interface WindowOptions extends BrowserContextOptions {
  /** Statuses of pages this test goes to on purpose; Chromium notes each in the console. */
  refusals?: number[];
  /** A directive of Content-Security-Policy that this test breaks on purpose. */
  broken?: string;
}

export type OpenWindow = (options?: WindowOptions) => Promise<Page>;

/** Longer than anything takes on a busy machine, shorter than a test may take: a failure names the step it waited for. */
const PATIENCE_MS = 45_000;

/** The one of this file. */
let chromium: Promise<Browser> | undefined;
afterAll(async () => (await chromium)?.close());

/** `describe`, where a Chromium is found or nothing may be left out. */
export function inChromium(title: string, tests: (open: OpenWindow) => void): void {
  const leaveOut = whyNoBrowserTests() !== undefined && process.env['GATEHOUSE_TEST_ALL'] !== '1';
  (leaveOut ? describe.skip : describe)(title, () => {
    let browser: Browser;
    const complaints: string[] = [];
    const windows: BrowserContext[] = [];
    beforeAll(async () => void (browser = await (chromium ??= launchChromium())));
    afterEach(async () => {
      // Closed here and not at the end: the servers end after each test, and no page may outlive them.
      for (const window of windows.splice(0)) await window.close();
      expect(complaints.splice(0)).toEqual([]);
    });
    tests(async ({ refusals = [], broken, ...options } = {}) => {
      const window = await browser.newContext(options);
      windows.push(window);
      window.setDefaultTimeout(PATIENCE_MS);
      listen(window, { refusals, broken }, complaints);
      return window.newPage();
    });
  });
}

interface OnPurpose {
  refusals: number[];
  broken: string | undefined;
}

function listen(window: BrowserContext, { refusals, broken }: OnPurpose, complaints: string[]): void {
  window.on('weberror', (error) => complaints.push(`script error: ${error.error().message}`));
  window.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    const status = /^Failed to load resource: the server responded with a status of (\d+)/.exec(message.text())?.[1];
    if (status !== undefined && refusals.includes(Number(status))) return;
    const complaint = /Content Security Policy directive:? ["']([\w-]+) /.exec(message.text())?.[1];
    if (broken !== undefined && complaint === broken) return;
    complaints.push(`${message.type()} at ${message.location().url}: ${message.text()}`);
  });
}
