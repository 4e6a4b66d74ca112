// Where an imported project comes to lie: `namespace/name`, both fit for an address, free, and the person's to use.
import type { Account, Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';

export interface Target {
  namespace: string;
  name: string;
}

/** Lower case, no dots alone, nothing that a command could take for an option, no ending that git or a browser reads. */
const PART = /^(?![-.])(?!.*\.(?:git|atom|json)$)[a-z0-9_.-]{1,100}$/;

/**
 * @param wanted parts that are not given follow from the person's user name and the source's slug
 * @throws AppError `bad_target`, or `path_taken` when the path was chosen and is somebody's already
 */
export async function findTarget(
  db: Database,
  account: Pick<Account, 'id' | 'username'>,
  wanted: { namespace?: string | undefined; name?: string | undefined; slug: string },
): Promise<Target> {
  const namespace = fit(wanted.namespace ?? account.username);
  await requireOwnNamespace(db, account, namespace);
  if (wanted.name === undefined)
    return { namespace, name: await freeName(db, namespace, fit(withoutEnding(wanted.slug))) };
  const name = fit(wanted.name);
  if (await isTaken(db, { namespace, name })) throw new AppError('path_taken');
  return { namespace, name };
}

/** `settings.json` at Bitbucket becomes `settings-json`. */
function withoutEnding(slug: string): string {
  return slug.replace(/\.(git|atom|json)$/i, '-$1');
}

function fit(part: string): string {
  const lower = part.toLowerCase();
  if (!PART.test(lower)) throw new AppError('bad_target');
  return lower;
}

/** Nobody puts projects under the name of another person, or among the projects of others. */
async function requireOwnNamespace(
  db: Database,
  account: Pick<Account, 'id' | 'username'>,
  namespace: string,
): Promise<void> {
  if (namespace === account.username) return;
  const named = await db.selectFrom('accounts').select('id').where('username', '=', namespace).executeTakeFirst();
  const others = db.selectFrom('projects').select('id').where('namespace', '=', namespace);
  const foreign = await others.where('owner_id', '!=', account.id).limit(1).executeTakeFirst();
  if (named || foreign) throw new AppError('path_taken', { sentence: 'That namespace belongs to somebody else.' });
}

async function freeName(db: Database, namespace: string, slug: string): Promise<string> {
  for (let number = 1; ; number++) {
    const name = number === 1 ? slug : `${slug}-${number}`;
    if (!(await isTaken(db, { namespace, name }))) return name;
  }
}

async function isTaken(db: Database, { namespace, name }: Target): Promise<boolean> {
  const there = db.selectFrom('projects').select('id').where('namespace', '=', namespace).where('name', '=', name);
  return (await there.executeTakeFirst()) !== undefined;
}
