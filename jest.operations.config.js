// Life-cycle tests with real processes, proxies and broken databases: `npm run test:operations`. They need nginx, Caddy,
// systemd-analyze, sqlite3 and PostgreSQL's client programs, and are not part of `npm test` yet.
import { base } from './jest.config.js';

export default { ...base, testMatch: ['<rootDir>/test/operations/**/*.test.ts'], testTimeout: 120_000 };
