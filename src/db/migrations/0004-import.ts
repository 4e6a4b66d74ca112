// Imported projects and the imports that bring them; see project-tables.ts and import-tables.ts.
import type { ColumnDefinitionBuilder, Kysely } from 'kysely';
import type { Dialect } from '../dialect.ts';

type Column = (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
const needed: Column = (c) => c.notNull();
const zero: Column = (c) => c.notNull().defaultTo(0);
const ofProject: Column = (c) => c.notNull().references('projects.id').onDelete('cascade');
const ofAccount: Column = (c) => c.notNull().references('accounts.id').onDelete('cascade');
const ofImport: Column = (c) => c.notNull().references('imports.id').onDelete('cascade');

export async function up(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await createProjects(db, dialect);
  await createPullRequests(db, dialect);
  await createConversation(db, dialect);
  await createFiles(db, dialect);
  await createCredentials(db, dialect);
  await createImports(db, dialect);
  await createImportParts(db, dialect);
}

async function createProjects(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('projects')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('owner_id', 'bigint', ofAccount)
    .addColumn('namespace', dialect.keyType, needed)
    .addColumn('name', dialect.keyType, needed)
    .addColumn('title', 'text', needed)
    .addColumn('description', 'text', needed)
    .addColumn('private', 'integer', needed)
    .addColumn('default_branch', 'text')
    .addColumn('source_provider', dialect.keyType, needed)
    .addColumn('source_url', 'text', needed)
    .addColumn('source_uuid', dialect.keyType, needed)
    .addColumn('source_full_name', 'text', needed)
    .addColumn('forked_from', 'text')
    .addColumn('branches', 'integer', zero)
    .addColumn('tags', 'integer', zero)
    .addColumn('commits', 'integer', zero)
    .addColumn('published_at', 'bigint')
    .addColumn('source_gone_at', 'bigint')
    .addColumn('created_at', 'bigint', needed)
    .addColumn('updated_at', 'bigint', needed)
    .addUniqueConstraint('projects_path', ['namespace', 'name'])
    .addUniqueConstraint('projects_source', ['owner_id', 'source_provider', 'source_uuid'])
    .execute();

  await db.schema
    .createTable('people')
    .addColumn('provider', dialect.keyType, needed)
    .addColumn('uuid', dialect.keyType, needed)
    .addColumn('account_id', dialect.keyType)
    .addColumn('display_name', 'text', needed)
    .addColumn('nickname', 'text')
    .addColumn('avatar_url', 'text')
    .addColumn('type', 'text', needed)
    .addPrimaryKeyConstraint('people_key', ['provider', 'uuid'])
    .execute();
  await db.schema.createIndex('people_account_id').on('people').columns(['provider', 'account_id']).execute();
}

async function createPullRequests(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('pull_requests')
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('number', 'bigint', needed)
    .addColumn('title', 'text', needed)
    .addColumn('description', 'text', needed)
    .addColumn('state', dialect.keyType, needed)
    .addColumn('draft', 'integer', needed)
    .addColumn('author', dialect.keyType)
    .addColumn('source_branch', 'text')
    .addColumn('source_commit', 'text')
    .addColumn('source_repository', 'text')
    .addColumn('destination_branch', 'text')
    .addColumn('destination_commit', 'text')
    .addColumn('merge_commit', 'text')
    .addColumn('closed_by', dialect.keyType)
    .addColumn('closed_at', 'bigint')
    .addColumn('reason', 'text', needed)
    .addColumn('created_at', 'bigint', needed)
    .addColumn('updated_at', 'bigint', needed)
    .addColumn('commits', 'text')
    .addColumn('comment_count', 'integer', needed)
    .addColumn('task_count', 'integer', needed)
    .addColumn('source_url', 'text', needed)
    .addColumn('source_gone_at', 'bigint')
    .addPrimaryKeyConstraint('pull_requests_key', ['project_id', 'number'])
    .execute();
  await db.schema
    .createIndex('pull_requests_state')
    .on('pull_requests')
    .columns(['project_id', 'state', 'number'])
    .execute();

  await db.schema
    .createTable('pull_request_people')
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('number', 'bigint', needed)
    .addColumn('uuid', dialect.keyType, needed)
    .addColumn('role', 'text', needed)
    .addColumn('state', 'text')
    .addColumn('at', 'bigint')
    .addPrimaryKeyConstraint('pull_request_people_key', ['project_id', 'number', 'uuid'])
    .execute();
}

async function createConversation(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('comments')
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('id', 'bigint', needed)
    .addColumn('number', 'bigint', needed)
    .addColumn('parent_id', 'bigint')
    .addColumn('author', dialect.keyType)
    .addColumn('body', 'text', needed)
    .addColumn('created_at', 'bigint', needed)
    .addColumn('updated_at', 'bigint')
    .addColumn('deleted', 'integer', needed)
    .addColumn('inline', 'text')
    .addColumn('resolved', 'integer', needed)
    .addColumn('resolved_by', dialect.keyType)
    .addColumn('resolved_at', 'bigint')
    .addColumn('source_gone_at', 'bigint')
    .addPrimaryKeyConstraint('comments_key', ['project_id', 'id'])
    .execute();
  await db.schema.createIndex('comments_number').on('comments').columns(['project_id', 'number', 'id']).execute();
  await db.schema
    .createIndex('comments_people')
    .on('comments')
    .columns(['project_id', 'author', 'resolved_by'])
    .execute();

  await db.schema
    .createTable('tasks')
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('id', 'bigint', needed)
    .addColumn('number', 'bigint', needed)
    .addColumn('body', 'text', needed)
    .addColumn('state', 'text', needed)
    .addColumn('author', dialect.keyType)
    .addColumn('created_at', 'bigint', needed)
    .addColumn('resolved_at', 'bigint')
    .addColumn('resolved_by', dialect.keyType)
    .addColumn('comment_id', 'bigint')
    .addColumn('source_gone_at', 'bigint')
    .addPrimaryKeyConstraint('tasks_key', ['project_id', 'id'])
    .execute();
  await db.schema.createIndex('tasks_number').on('tasks').columns(['project_id', 'number', 'id']).execute();

  await db.schema
    .createTable('activity')
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('number', 'bigint', needed)
    .addColumn('key', dialect.keyType, needed)
    .addColumn('kind', 'text', needed)
    .addColumn('author', dialect.keyType)
    .addColumn('at', 'bigint', needed)
    .addColumn('data', 'text', needed)
    .addPrimaryKeyConstraint('activity_key', ['project_id', 'number', 'key'])
    .execute();
}

async function createFiles(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('lfs_objects')
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('oid', dialect.keyType, needed)
    .addColumn('size', 'bigint', needed)
    .addColumn('present', 'integer', needed)
    .addPrimaryKeyConstraint('lfs_objects_key', ['project_id', 'oid'])
    .execute();

  await db.schema
    .createTable('attachments')
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('source_url', dialect.keyType, needed)
    .addColumn('file', 'text')
    .addColumn('name', 'text', needed)
    .addColumn('content_type', 'text')
    .addColumn('size', 'bigint')
    .addPrimaryKeyConstraint('attachments_key', ['project_id', 'source_url'])
    .execute();

  await db.schema
    .createTable('source_settings')
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('kind', dialect.keyType, needed)
    .addColumn('value', 'text', needed)
    .addPrimaryKeyConstraint('source_settings_key', ['project_id', 'kind'])
    .execute();
}

async function createImports(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('imports')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('project_id', 'bigint', ofProject)
    .addColumn('account_id', 'bigint', ofAccount)
    .addColumn('credential_id', 'bigint', (c) => c.references('import_credentials.id').onDelete('set null'))
    .addColumn('status', dialect.keyType, needed)
    .addColumn('stage', 'text')
    .addColumn('resync', 'integer', needed)
    .addColumn('since', 'bigint')
    .addColumn('reason', 'text')
    .addColumn('waiting_until', 'bigint')
    .addColumn('cancel_asked', 'integer', zero)
    .addColumn('lease_until', 'bigint', zero)
    .addColumn('fence', 'bigint', zero)
    .addColumn('claimed_at', 'bigint', zero)
    .addColumn('tries', 'integer', zero)
    .addColumn('waited_ms', 'bigint', zero)
    .addColumn('api_calls', 'integer', zero)
    .addColumn('verification', 'text')
    .addColumn('created_at', 'bigint', needed)
    .addColumn('started_at', 'bigint')
    .addColumn('finished_at', 'bigint')
    .execute();
  await db.schema.createIndex('imports_status').on('imports').columns(['status', 'account_id', 'id']).execute();
  await db.schema.createIndex('imports_account_id').on('imports').columns(['account_id', 'id']).execute();
  await db.schema.createIndex('imports_project_id').on('imports').columns(['project_id', 'id']).execute();
}

async function createImportParts(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('import_stages')
    .addColumn('import_id', 'bigint', ofImport)
    .addColumn('position', 'integer', needed)
    .addColumn('name', dialect.keyType, needed)
    .addColumn('status', 'text', needed)
    .addColumn('done', 'integer', zero)
    .addColumn('total', 'integer')
    .addColumn('skipped', 'integer', zero)
    .addColumn('cursor', 'text')
    .addPrimaryKeyConstraint('import_stages_key', ['import_id', 'name'])
    .execute();

  await db.schema
    .createTable('import_failures')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('import_id', 'bigint', ofImport)
    .addColumn('stage', 'text', needed)
    .addColumn('kind', dialect.keyType, needed)
    .addColumn('key', dialect.keyType, needed)
    .addColumn('source_url', 'text')
    .addColumn('reason', 'text', needed)
    .addColumn('retryable', 'integer', needed)
    .addColumn('retry', 'integer', zero)
    .addColumn('at', 'bigint', needed)
    .addUniqueConstraint('import_failures_key', ['import_id', 'kind', 'key'])
    .execute();

  await db.schema
    .createTable('import_log')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('import_id', 'bigint', ofImport)
    .addColumn('at', 'bigint', needed)
    .addColumn('text', 'text', needed)
    .execute();
  await db.schema.createIndex('import_log_import_id').on('import_log').columns(['import_id', 'id']).execute();
}

async function createCredentials(db: Kysely<never>, dialect: Dialect): Promise<void> {
  await db.schema
    .createTable('import_credentials')
    .addColumn('id', dialect.idType, dialect.idColumn)
    .addColumn('account_id', 'bigint', ofAccount)
    .addColumn('identity_id', 'bigint', (c) => c.references('identities.id').onDelete('cascade'))
    .addColumn('provider', dialect.keyType, needed)
    .addColumn('kind', 'text', needed)
    .addColumn('key', dialect.keyType, needed)
    .addColumn('email', 'text')
    .addColumn('sealed', 'text')
    .addColumn('label', 'text', needed)
    .addColumn('created_at', 'bigint', needed)
    .addUniqueConstraint('import_credentials_key', ['account_id', 'provider', 'kind', 'key'])
    .execute();

  await db.schema
    .createTable('credential_waits')
    .addColumn('credential_id', 'bigint', (c) =>
      c.primaryKey().notNull().references('import_credentials.id').onDelete('cascade'),
    )
    .addColumn('until', 'bigint', needed)
    .execute();

  await db.schema
    .alterTable('provider_tokens')
    .addColumn('credential_id', 'bigint', (c) => c.references('import_credentials.id').onDelete('cascade'))
    .execute();
  await db.schema
    .createIndex('provider_tokens_credential_id')
    .on('provider_tokens')
    .column('credential_id')
    .unique()
    .execute();
}
