// All migrations in order. A published one never changes; the next change is the next file.
import type { Kysely } from 'kysely';
import type { Dialect } from '../dialect.ts';
import { up as signIn } from './0001-sign-in.ts';

export type Migration = (db: Kysely<never>, dialect: Dialect) => Promise<void>;

export const migrations: Migration[] = [signIn];
