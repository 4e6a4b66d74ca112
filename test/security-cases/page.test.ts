// The list of security cases is complete, and its page up to date.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

test('every security case is in the title of a test or has a reason, and docs/security-cases.md says so', () => {
  const { stderr, status } = spawnSync(process.execPath, [join(__dirname, 'page.js'), '--check'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
