// `gatehouse admin approve NAME`: lets a waiting account in.
import { approveAccount, findAccountByUsername, listUsernames } from '../accounts/store.ts';
import { requireVersion } from '../db/migrate.ts';
import type { Database } from '../db/tables.ts';
import { openDatabase } from '../db/open.ts';
import { parseDatabaseUrl } from '../config/database-url.ts';
import type { Command, CommandContext } from './command.ts';
import { CommandFailed, loadConfiguration } from './command.ts';

export const admin: Command = async (context) => {
  const [action, name, ...rest] = context.args;
  if (action !== 'approve' || name === undefined || rest.length > 0) {
    throw new CommandFailed('usage: gatehouse admin approve NAME', 2);
  }
  const database = openDatabase(parseDatabaseUrl(loadConfiguration(context).config));
  try {
    requireVersion(await database.version());
    return await approve(database.db, name.toLowerCase(), context);
  } finally {
    await database.db.destroy();
  }
};

async function approve(db: Database, name: string, { out }: CommandContext): Promise<number> {
  const account = await findAccountByUsername(db, name);
  if (!account) throw new CommandFailed(`no account is named ${JSON.stringify(name)}. ${await whoWaits(db)}`);
  if (await db.transaction().execute((trx) => approveAccount(trx, account.id)))
    out(`${name} (${account.name}) may sign in now.`);
  else if (account.state === 'active') out(`${name} may sign in already; nothing was changed.`);
  else throw new CommandFailed(`${name} is ${account.state}, not waiting; approving does not lift that.`);
  return 0;
}

async function whoWaits(db: Database): Promise<string> {
  const names = await listUsernames(db, 'waiting');
  return names.length === 0
    ? 'Nobody is waiting.'
    : `Waiting: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ' …' : ''}`;
}
