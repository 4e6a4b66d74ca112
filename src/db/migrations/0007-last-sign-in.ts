// When somebody has last come in, whatever by: kept with the account, for identities go and are used by who is refused.
import type { Kysely } from 'kysely';
import { sql } from 'kysely';

export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('accounts').addColumn('last_sign_in_at', 'bigint').execute();
  // As far as the audit log goes back; before it there was one, by what was last used of people who may come in.
  await sql`update accounts set last_sign_in_at = coalesce(
    (select max(at) from audit_events
      where action = 'sign_in' and result = 'ok' and audit_events.account_id = accounts.id),
    case when state = 'active' then password_used_at end,
    case when state = 'active' then
      (select max(last_used_at) from identities where identities.account_id = accounts.id and last_used_at > 0) end
  )`.execute(db);
}
