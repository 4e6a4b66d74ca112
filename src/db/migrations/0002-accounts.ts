// Living with accounts: what is shown of identities, sealed tokens, devices, personal access tokens, settings, audit log.
import type { Kysely } from 'kysely';
import type { Dialect } from '../dialect.ts';

export async function up(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await addColumns(db);

  await db.schema
    .createTable('provider_tokens')
    .addColumn('holder', dialect.keyType, (c) => c.primaryKey().notNull())
    .addColumn('identity_id', 'bigint', (c) => c.references('identities.id').onDelete('cascade').unique())
    .addColumn('sealed', 'text', (c) => c.notNull())
    .addColumn('scopes', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('version', 'integer', (c) => c.notNull())
    .addColumn('refreshing_until', 'bigint', (c) => c.notNull())
    .execute();

  await db.schema
    .createTable('access_tokens')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('account_id', 'bigint', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('token_hash', dialect.keyType, (c) => c.notNull().unique())
    .addColumn('scopes', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .execute();
  await db.schema.createIndex('access_tokens_account_id').on('access_tokens').column('account_id').execute();

  await db.schema
    .createTable('pending_links')
    .addColumn('browser_hash', dialect.keyType, (c) => c.primaryKey().notNull())
    .addColumn('account_id', 'bigint', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('provider', dialect.keyType, (c) => c.notNull())
    .addColumn('profile', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('pending_links_account_id').on('pending_links').column('account_id').execute();
  await db.schema.createIndex('pending_links_expires_at').on('pending_links').column('expires_at').execute();

  await db.schema
    .createTable('sign_in_links')
    .addColumn('token_hash', dialect.keyType, (c) => c.primaryKey().notNull())
    .addColumn('account_id', 'bigint', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('sign_in_links_expires_at').on('sign_in_links').column('expires_at').execute();

  await db.schema
    .createTable('settings')
    .addColumn('key', dialect.keyType, (c) => c.primaryKey().notNull())
    .addColumn('value', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_by', 'text', (c) => c.notNull())
    .execute();

  await createAuditEvents(db, dialect);
}

async function addColumns(db: Kysely<never>): Promise<void> {
  const accounts = db.schema.alterTable('accounts');
  await accounts.addColumn('email_verified', 'integer', (c) => c.notNull().defaultTo(1)).execute();
  await accounts.addColumn('external', 'integer', (c) => c.notNull().defaultTo(0)).execute();
  await accounts.addColumn('name_set_here', 'integer', (c) => c.notNull().defaultTo(0)).execute();
  await accounts.addColumn('email_set_here', 'integer', (c) => c.notNull().defaultTo(0)).execute();
  await accounts.addColumn('password_used_at', 'bigint').execute();
  await accounts.addColumn('seen_event_id', 'bigint', (c) => c.notNull().defaultTo(0)).execute();

  const identities = db.schema.alterTable('identities');
  await identities.addColumn('username', 'text').execute();
  await identities.addColumn('avatar_url', 'text').execute();
  await identities.addColumn('groups', 'text', (c) => c.notNull().defaultTo('[]')).execute();
  await identities.addColumn('checked_at', 'bigint', (c) => c.notNull().defaultTo(0)).execute();
  await identities.addColumn('confirmed_at', 'bigint', (c) => c.notNull().defaultTo(0)).execute();

  const sessions = db.schema.alterTable('sessions');
  await sessions.addColumn('address', 'text').execute();
  await sessions.addColumn('agent', 'text').execute();
  await sessions.addColumn('provider', 'text').execute();

  const flows = db.schema.alterTable('flows');
  await flows.addColumn('account_id', 'bigint').execute();
}

/** Names stand beside ids: events belong together also when the account is gone and a pseudonym stands there. No foreign keys, for the same reason. */
async function createAuditEvents(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('audit_events')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('action', dialect.keyType, (c) => c.notNull())
    .addColumn('result', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('actor_id', 'bigint')
    .addColumn('actor_name', 'text')
    .addColumn('account_id', 'bigint')
    .addColumn('account_name', 'text')
    .addColumn('target', 'text')
    .addColumn('details', 'text')
    .addColumn('address', 'text')
    .addColumn('agent', 'text')
    .addColumn('request_id', 'text')
    .addColumn('search_text', 'text', (c) => c.notNull())
    .addColumn('notice', 'text')
    .execute();
  for (const column of ['at', 'account_id', 'actor_id', 'action', 'result', 'account_name']) {
    await db.schema.createIndex(`audit_events_${column}`).on('audit_events').columns([column, 'id']).execute();
  }
  await db.schema
    .createIndex('audit_events_notice')
    .on('audit_events')
    .columns(['account_id', 'notice', 'id'])
    .where('notice', 'is not', null)
    .execute();
}
