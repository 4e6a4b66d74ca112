// All migrations in order. A published one never changes; the next change is the next file.
import type { Kysely } from 'kysely';
import type { Dialect } from '../dialect.ts';
import { up as signIn } from './0001-sign-in.ts';
import { up as accounts } from './0002-accounts.ts';
import { up as pendingArrivals } from './0003-pending-arrivals.ts';
import { up as imports } from './0004-import.ts';
import { up as cloneAddress } from './0005-clone-address.ts';
import { up as deletedProjects } from './0006-deleted-projects.ts';
import { up as lastSignIn } from './0007-last-sign-in.ts';
import { up as untoldCounters } from './0008-untold-counters.ts';

export type Migration = (db: Kysely<never>, dialect: Dialect) => Promise<void>;

export const migrations: Migration[] = [
  signIn,
  accounts,
  pendingArrivals,
  imports,
  cloneAddress,
  deletedProjects,
  lastSignIn,
  untoldCounters,
];
