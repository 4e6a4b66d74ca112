// `gatehouse admin …`: accounts, changed on the server itself. Whoever may run this owns the database, so it asks for no proof.
import { existsSync } from 'node:fs';
import { mailOwner } from '../accounts/mail-notices.ts';
import { parseDatabaseUrl } from '../config/database-url.ts';
import type { Config } from '../config/schema.ts';
import { requireVersion } from '../db/migrate.ts';
import type { OpenDatabase } from '../db/open.ts';
import { openDatabase, orUnusable } from '../db/open.ts';
import { Post } from '../mail/post.ts';
import type { WhyNot } from '../mail/why-not.ts';
import type { AdminAction, AdminServices } from './admin-actions.ts';
import { approve, create, link, reset } from './admin-actions.ts';
import type { Command, CommandContext } from './command.ts';
import { CommandFailed, loadConfiguration } from './command.ts';

const ACTIONS: Record<string, AdminAction> = { approve, create, reset, link };

export const ADMIN_USAGE = `usage: gatehouse admin ACTION NAME [--config FILE]

  approve NAME                             lets a waiting account in
  create NAME [--email ADDRESS] [--admin]  makes an account, and prints a one-time sign-in link
  reset NAME                               removes the password, signs out everywhere, prints a one-time sign-in link
  link NAME                                prints a one-time sign-in link: the way back in, whatever is switched off`;

export const admin: Command = async (context) => {
  const { options = { admin: false }, out } = context;
  const { action, name } = readWords(context);
  const { config } = loadConfiguration(context);
  const database = openExisting(config);
  try {
    requireVersion(await database.version());
    const { db, dialect } = database;
    const services = { db, dialect, config, now: Date.now, noted: [] };
    for (const line of await action(services, name, options)) out(line);
    for (const line of await tellOwner(services)) out(line);
    return 0;
  } catch (error) {
    throw orUnusable(error, database.dialect);
  } finally {
    await database.db.destroy();
  }
};

/** What is mailed of a change in the pages is mailed of one made here. @returns what to print of it */
async function tellOwner({ db, config, now, noted }: AdminServices): Promise<string[]> {
  const running = () => config;
  const services = { db, config: running, now, post: new Post(running) };
  const ends = await Promise.all(noted.map((event) => mailOwner(services, event)));
  const lines = ends.flat().map(({ not }) => (not ? `Its owner could not be told by mail: ${inWords(not)}` : TOLD));
  return [...new Set(lines)];
}

const TOLD = 'Its owner is told by mail.';

function inWords({ why, reason, response_code }: WhyNot): string {
  return `${why} (${[reason, response_code].filter((word) => word !== undefined).join(' ')}).`;
}

function readWords({ args, options = { admin: false } }: CommandContext): { action: AdminAction; name: string } {
  const [word = '', name, ...rest] = args;
  const action = Object.hasOwn(ACTIONS, word) ? ACTIONS[word] : undefined;
  const hasOptions = options.email !== undefined || options.admin;
  if (!action || name === undefined || rest.length > 0) throw new CommandFailed(ADMIN_USAGE, 2);
  if (hasOptions && action !== create) throw new CommandFailed(ADMIN_USAGE, 2);
  return { action, name: name.toLowerCase() };
}

/** In another folder than the server's there is no database; an empty new one would only say "no such account". */
function openExisting(config: Config): OpenDatabase {
  const address = parseDatabaseUrl(config);
  if (address.kind === 'sqlite' && !existsSync(address.path)) {
    throw new CommandFailed(
      `there is no database at ${address.path}, and none was made. Run this in the folder that the server is started ` +
        'in, with the same environment, or name its configuration: --config FILE',
    );
  }
  return openDatabase(address);
}
