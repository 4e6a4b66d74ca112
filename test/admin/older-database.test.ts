// A database that an older Gatehouse has left: the check says what a start would say.
import { checkDatabase } from '../../src/admin/server-checks.ts';
import { requireVersion } from '../../src/db/migrate.ts';
import { startApp } from '../support/start-app.ts';

test('the check of an older database and the start of a server say the same', async () => {
  const { services } = await startApp();
  const { db, database } = services;
  const versions = db.withTables<{ schema_version: { version: number } }>();
  const [now] = await versions.selectFrom('schema_version').select('version').execute();
  await versions.updateTable('schema_version').set({ version: 1 }).execute();
  const found = await checkDatabase(database);
  const needed = () => requireVersion(1);
  await versions
    .updateTable('schema_version')
    .set({ version: now?.version ?? 0 })
    .execute();
  if (database.dialect.upgradesAtStart) {
    expect(found).toMatchObject({ state: 'ok', words: 'answers; the next start upgrades it' });
  } else {
    expect(found).toMatchObject({ state: 'failed', next: 'run: npx gatehouse migrate' });
    expect(needed).toThrow(`the database ${found.words}. Run: npx gatehouse migrate`);
  }
});
