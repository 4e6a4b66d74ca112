// Accounts, identities, sessions, flows and limits.
import type { Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Dialect } from '../dialect.ts';

export async function up(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('username', dialect.keyType, (c) => c.notNull().unique())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('email', 'text')
    .addColumn('email_key', dialect.keyType, (c) => c.unique())
    .addColumn('state', 'text', (c) => c.notNull().check(sql`state in ('active', 'waiting', 'blocked')`))
    .addColumn('admin', 'integer', (c) => c.notNull())
    .addColumn('password_hash', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('identities')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('account_id', 'bigint', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('provider', dialect.keyType, (c) => c.notNull())
    .addColumn('extern_uid', dialect.keyType, (c) => c.notNull())
    .addColumn('display_name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('last_used_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('identities_provider_extern_uid', ['provider', 'extern_uid'])
    .execute();
  await db.schema.createIndex('identities_account_id').on('identities').column('account_id').execute();

  await db.schema
    .createTable('sessions')
    .addColumn('id_hash', dialect.keyType, (c) => c.primaryKey().notNull())
    .addColumn('account_id', 'bigint', (c) => c.references('accounts.id').onDelete('cascade'))
    .addColumn('data', 'text', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('remembered', 'integer', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('seen_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('sessions_account_id').on('sessions').column('account_id').execute();
  await db.schema.createIndex('sessions_expires_at').on('sessions').column('expires_at').execute();

  await db.schema
    .createTable('flows')
    .addColumn('state_hash', dialect.keyType, (c) => c.primaryKey().notNull())
    .addColumn('browser_hash', dialect.keyType, (c) => c.notNull())
    .addColumn('provider', dialect.keyType, (c) => c.notNull())
    .addColumn('purpose', 'text', (c) => c.notNull())
    .addColumn('code_verifier', 'text', (c) => c.notNull())
    .addColumn('return_to', 'text')
    .addColumn('remember_me', 'integer', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('flows_browser_hash').on('flows').columns(['browser_hash', 'expires_at']).execute();
  await db.schema.createIndex('flows_expires_at').on('flows').column('expires_at').execute();

  await db.schema
    .createTable('limits')
    .addColumn('key', dialect.keyType, (c) => c.primaryKey().notNull())
    .addColumn('count', 'integer', (c) => c.notNull())
    .addColumn('resets_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('limits_resets_at').on('limits').column('resets_at').execute();
}
