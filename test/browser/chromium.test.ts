// Which Chromium the browser tests use; also the one place that says when they are left out.
import { findChromium, whyNoBrowserTests } from '../support/chromium.ts';

it('takes the Chromium that CHROMIUM_PATH names', () => {
  expect(findChromium({ CHROMIUM_PATH: '/opt/other/chrome' })).toBe('/opt/other/chrome');
  expect(whyNoBrowserTests({ CHROMIUM_PATH: '/opt/other/chrome' })).toBeUndefined();
});

it('finds one, or says in one line that the browser tests are left out', () => {
  const reason = whyNoBrowserTests();
  if (reason !== undefined) process.stderr.write(`${reason}\n`);
  if (process.env['GATEHOUSE_TEST_ALL'] === '1') expect(reason).toBeUndefined();
  else expect(reason ?? 'CHROMIUM_PATH').toContain('CHROMIUM_PATH');
});
