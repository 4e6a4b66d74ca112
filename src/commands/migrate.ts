// `gatehouse migrate`: brings the database to this version. `serve` does it by itself on SQLite.
import { openDatabase, orUnusable } from '../db/open.ts';
import { parseDatabaseUrl } from '../config/database-url.ts';
import type { Command } from './command.ts';
import { loadConfiguration } from './command.ts';

export const migrate: Command = async (context) => {
  const database = openDatabase(parseDatabaseUrl(loadConfiguration(context).config));
  try {
    const [before, after] = await database.migrate();
    context.out(
      before === after
        ? `The database is at version ${after} already.`
        : `The database went from version ${before} to ${after}.`,
    );
    return 0;
  } catch (error) {
    throw orUnusable(error, database.dialect);
  } finally {
    await database.db.destroy();
  }
};
