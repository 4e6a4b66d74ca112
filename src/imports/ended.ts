// The end of an import in the audit log, whoever or whatever has ended it.
import type { Request } from 'express';
import { recordEvent } from '../audit/record.ts';
import type { Import, ImportStatus } from '../db/import-tables.ts';
import type { Database } from '../db/tables.ts';
import type { Services } from '../services.ts';

/** @param req of the person who has ended it; the server itself by default */
export async function recordEnd(
  services: Services,
  where: Database,
  { row, status, req }: { row: Import; status: ImportStatus; req?: Request | undefined },
): Promise<void> {
  const named = await where
    .selectFrom('projects')
    .innerJoin('accounts', 'accounts.id', 'projects.owner_id')
    .select(['source_full_name', 'username'])
    .where('projects.id', '=', row.project_id)
    .executeTakeFirst();
  const event = {
    action: 'import_ended',
    result: status === 'failed' ? 'failed' : 'ok',
    reason: status,
    account: named && { id: row.account_id, username: named.username },
    target: named?.source_full_name,
    details: { import_id: row.id, project_id: row.project_id },
  } as const;
  await recordEvent(services, where, req ? event : { ...event, actor: null }, req);
}
