// Tests are TypeScript with ESM syntax; swc turns each file into CommonJS on the fly, so no Node flags are needed.
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }],
  },
  testTimeout: 30_000,
};
