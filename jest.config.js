// Tests are TypeScript with ESM syntax; swc turns each file into CommonJS on the fly, so no Node flags are needed. What they
// test is loaded outside of Jest's world: why, says test/support/environment.js.
import { readFileSync } from 'node:fs';

const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
/** What tests import by name. The rest of node_modules comes along with it, or is Jest's own. */
const PACKAGES = Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !/jest|swc/.test(name));

const ROOT = import.meta.dirname.replaceAll(/[^\w/]/g, '\\$&');

const base = {
  testEnvironment: '<rootDir>/test/support/environment.js',
  testEnvironmentOptions: { globalsCleanup: 'off' }, // it would take away what is shared
  transform: {
    [`^${ROOT}/(?!test/)`]: '<rootDir>/test/support/load-once.js',
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(?:${PACKAGES.join('|')})/)`],
};

const projects = [{ ...base, displayName: 'sqlite', testMatch: ['<rootDir>/test/**/*.test.ts'] }];

// The tests that go through the database run a second time, on PostgreSQL.
const WITHOUT_DATABASE =
  '/test/(imports/choose|projects/(conversation|diff-text|markdown)|web/(return-to|user-agent))\\.test\\.ts$';
if (process.env.TEST_POSTGRES_URL) {
  projects.push({
    ...base,
    displayName: 'postgres',
    testMatch: ['<rootDir>/test/{accounts,admin,imports,projects,web}/**/*.test.ts'],
    testPathIgnorePatterns: ['/node_modules/', WITHOUT_DATABASE],
  });
} else if (process.env.GATEHOUSE_TEST_ALL === '1') {
  throw new Error('GATEHOUSE_TEST_ALL: nothing may be left out, but TEST_POSTGRES_URL is not set');
} else {
  console.warn('PostgreSQL tests are left out: TEST_POSTGRES_URL is not set.');
}

// No test takes that long, unless the machine has ten other things to do.
const testTimeout = 240_000;

export default { projects, testSequencer: './test/support/long-first.js', testTimeout, maxWorkers: 4 };
