// The first administrator: `root`, made when the database has no account yet. There is no default password.
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { insertEvent } from '../audit/record.ts';
import { readOrCreate } from '../keys.ts';
import type { Services } from '../services.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { findAccountByUsername, hasAccounts, insertAccount } from './store.ts';

export const ROOT = 'root';

/**
 * Makes root at first start, with GATEHOUSE_ROOT_PASSWORD or a random password kept in a file until root's first sign-in.
 * A crash in between or a second process at the same moment finds the same file and the same password.
 */
export async function ensureRoot({ db, database, config, log, now }: Services): Promise<void> {
  if (await hasAccounts(db)) return;
  const path = passwordFile(config().data_dir);
  const given = config().root_password;
  const password = given ?? readOrCreate(path, () => randomBytes(18).toString('base64url'));
  try {
    const root = {
      username: ROOT,
      name: 'Administrator',
      email: null,
      state: 'active' as const,
      admin: 1,
      password_hash: await hashPassword(password),
      created_at: now(),
    };
    await db.transaction().execute(async (trx) => {
      const account = await insertAccount(trx, root);
      const event = { actor: null, account, reason: 'first_start' } as const;
      await insertEvent({ now }, trx, { ...event, action: 'account_created' });
      await insertEvent({ now }, trx, { ...event, action: 'admin_granted' });
    });
  } catch (error) {
    if (!database.dialect.isUniqueViolation(error)) throw error;
    // Another process was faster. On another machine it has a file of its own, and the password in ours opens nothing.
    const root = await findAccountByUsername(db, ROOT);
    if (!(await verifyPassword(root?.password_hash ?? null, password, log))) forgetInitialPassword(config().data_dir);
    return;
  }
  if (given === undefined)
    log.info({ username: ROOT, password_file: path }, 'first administrator made; its password is in the file');
  else log.info({ username: ROOT }, 'first administrator made with the password from GATEHOUSE_ROOT_PASSWORD');
}

/** Root has signed in, so the first password need not lie around any longer. */
export function forgetInitialPassword(dataDir: string): void {
  rmSync(passwordFile(dataDir), { force: true });
}

function passwordFile(dataDir: string): string {
  return join(dataDir, 'initial_root_password');
}
