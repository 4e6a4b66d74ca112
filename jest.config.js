// Tests are TypeScript with ESM syntax; swc turns each file into CommonJS on the fly, so no Node flags are needed.
const base = {
  testEnvironment: 'node',
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }],
  },
};

const projects = [{ ...base, displayName: 'sqlite', testMatch: ['<rootDir>/test/**/*.test.ts'] }];

// The tests that go through the database run a second time, on PostgreSQL.
if (process.env.TEST_POSTGRES_URL) {
  projects.push({
    ...base,
    displayName: 'postgres',
    testMatch: ['<rootDir>/test/{accounts,web}/**/*.test.ts'],
    setupFiles: ['<rootDir>/test/support/on-postgres.js'],
  });
} else if (process.env.GATEHOUSE_TEST_ALL === '1') {
  throw new Error('GATEHOUSE_TEST_ALL: nothing may be left out, but TEST_POSTGRES_URL is not set');
} else {
  console.warn('PostgreSQL tests are left out: TEST_POSTGRES_URL is not set.');
}

export default { projects, testTimeout: 30_000, maxWorkers: 3 };
