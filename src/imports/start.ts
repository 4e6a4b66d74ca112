// Imports are started, asked to stop, and put in motion again. What they then do is told in run.ts.
import type { Request } from 'express';
import { recordEvent } from '../audit/record.ts';
import type { RemoteRepository } from '../bitbucket/remote-repository.ts';
import type { Import } from '../db/import-tables.ts';
import type { Project } from '../db/project-tables.ts';
import type { Account, Database, Transaction } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { createProject, lockImports } from '../projects/records.ts';
import type { Services } from '../services.ts';
import { recordEnd } from './ended.ts';
import { askForFailures, countFailures, takeOverFailures } from './failures.ts';
import { writeLine } from './journal.ts';
import { verifyAgain } from './progress.ts';
import {
  ACTIVE,
  cancelImport,
  countActiveImports,
  findImport,
  findLatestImport,
  insertImport,
  requeueImport,
} from './store.ts';
import { findTarget } from './target.ts';

type Person = Pick<Account, 'id' | 'username'>;

export interface StartOptions {
  account: Person;
  /** What was read at Bitbucket with that credential: that it could be read shows that the person may. */
  source: { provider: string; repository: RemoteRepository };
  credentialId: number;
  /** By default the user name and the slug. */
  namespace?: string | undefined;
  name?: string | undefined;
}

/** More than anybody's repositories, and few enough that a script that ran wild does not fill the disk. */
const MOST_AT_ONCE = 1500;

/**
 * Queues an import. A source that the person has imported already is brought up to date; its project stays where it is.
 * @throws AppError `import_running`, `bad_target`, `path_taken` (also for another place than where the source lies already)
 * or `rate_limited`
 */
export async function startImport(services: Services, options: StartOptions): Promise<Import> {
  const { db, now } = services;
  const { account, source, credentialId } = options;
  return db.transaction().execute(async (trx) => {
    await lockImports(trx, services, account.id);
    await requireRoom(trx, account);
    const known = await findImported(trx, account.id, source);
    if (known) {
      requireSamePlace(known, options);
      return again(services, trx, known, { account, credentialId });
    }
    const target = await findTarget(trx, account, { ...options, slug: source.repository.slug });
    const project = await createProject(trx, {
      ...describeSource(source),
      ...target,
      owner_id: account.id,
      ...times(now()),
    });
    return begin(services, trx, { project, account, credentialId, since: null });
  });
}

/** Brings an imported project up to date. @throws AppError `import_running` or `rate_limited` */
export async function resync(
  services: Services,
  { project, account, credentialId }: { project: Project; account: Person; credentialId: number },
): Promise<Import> {
  return services.db.transaction().execute(async (trx) => {
    await lockImports(trx, services, account.id);
    await requireRoom(trx, account);
    return again(services, trx, project, { account, credentialId });
  });
}

/** @param req of whoever asks. @throws AppError `import_over` when there is nothing to stop */
export async function askCancel(services: Services, { id }: Pick<Import, 'id'>, req?: Request): Promise<void> {
  const { db, now } = services;
  await db.transaction().execute(async (trx) => {
    const outcome = await cancelImport(trx, id, now());
    if (outcome === undefined) throw new AppError('import_over');
    await writeLine(trx, id, 'Asked to stop.', now());
    if (outcome === 'asked') return; // whoever works on it ends it, and says so
    const row = await findImport(trx, id);
    if (row) await recordEnd(services, trx, { row, status: 'cancelled', req });
  });
}

/**
 * Puts an import in motion again that failed, was cancelled, waits, or is partial: it goes on where it was, and tries
 * again what it could not bring.
 * @param credentialId another one than before. @throws AppError `import_running` while it runs
 */
export async function retryImport(services: Services, row: Import, credentialId?: number): Promise<void> {
  await goOn(services, row, async (trx) => {
    await askForFailures(trx, row.id);
    return credentialId;
  });
}

/** Tries one item again. @throws AppError `import_running` while the import runs, `not_found` when there is no such item */
export async function retryFailure(services: Services, row: Import, failureId: number): Promise<void> {
  await goOn(services, row, async (trx) => {
    if ((await askForFailures(trx, row.id, failureId)) === 0) throw new AppError('not_found');
    return undefined;
  });
}

async function goOn(
  services: Services,
  row: Import,
  prepare: (trx: Transaction) => Promise<number | undefined>,
): Promise<void> {
  const { db, now } = services;
  await db.transaction().execute(async (trx) => {
    await lockImports(trx, services, row.account_id);
    const newest = await findLatestImport(trx, row.project_id);
    if (newest?.id !== row.id) throw new AppError('import_over'); // a later one has taken its failures over
    const credentialId = await prepare(trx);
    if (!(await requeueImport(trx, row.id, credentialId))) throw new AppError('import_running');
    await verifyAgain(trx, row.id);
    await writeLine(trx, row.id, 'Asked to try again.', now());
  });
}

async function requireRoom(trx: Transaction, { id }: Person): Promise<void> {
  if ((await countActiveImports(trx, id)) < MOST_AT_ONCE) return;
  const sentence = `${MOST_AT_ONCE} of your imports wait or run already. More can be started when some are done.`;
  throw new AppError('rate_limited', { sentence, retryAfterSeconds: 600 });
}

/** The namespace of one's own is what a form has from the start, and so no wish to have the project moved. */
function requireSamePlace(known: Project, { account, namespace, name }: StartOptions): void {
  const isThere = (wish: string | undefined, ...places: string[]) =>
    wish === undefined || places.includes(wish.toLowerCase());
  if (isThere(namespace, known.namespace, account.username) && isThere(name, known.name)) return;
  throw new AppError('path_taken', {
    sentence: `You have this repository here already, as ${known.namespace}/${known.name}. Without another target it is brought up to date there.`,
  });
}

function findImported(trx: Transaction, ownerId: number, { provider, repository }: StartOptions['source']) {
  return trx
    .selectFrom('projects')
    .selectAll()
    .where('owner_id', '=', ownerId)
    .where('source_provider', '=', provider)
    .where('source_uuid', '=', repository.uuid)
    .executeTakeFirst();
}

/** Whatever changed at Bitbucket in the last moments before, and by whatever its clock differs, is read once more. */
const MARGIN_MS = 10 * 60_000;

async function again(
  services: Services,
  trx: Transaction,
  project: Project,
  { account, credentialId }: { account: Person; credentialId: number },
): Promise<Import> {
  const latest = await findLatestImport(trx, project.id);
  if (latest && ACTIVE.includes(latest.status)) throw new AppError('import_running');
  const since = project.published_at === null ? null : await lastReading(trx, project.id);
  const begun = await begin(services, trx, { project, account, credentialId, since });
  if (latest && (await countFailures(trx, latest.id)) > 0) await takeOverFailures(trx, latest.id, begun.id);
  return begun;
}

/** When the newest import that read everything began; null when none did. */
async function lastReading(db: Database, projectId: number): Promise<number | null> {
  const row = await db
    .selectFrom('imports')
    .select('started_at')
    .where('project_id', '=', projectId)
    .where('status', 'in', ['done', 'partial'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.started_at ? row.started_at - MARGIN_MS : null;
}

async function begin(
  services: Services,
  trx: Transaction,
  wanted: { project: Project; account: Person; credentialId: number; since: number | null },
): Promise<Import> {
  const { project, account, credentialId, since } = wanted;
  const row = { projectId: project.id, accountId: account.id, credentialId, since, now: services.now() };
  const begun = await insertImport(trx, row);
  const source = project.source_full_name;
  const line = since === null ? `Import of ${source} was asked for.` : `Asked to bring ${source} up to date.`;
  await writeLine(trx, begun.id, line, row.now);
  const details = { import_id: begun.id, project_id: project.id };
  await recordEvent(services, trx, { action: 'import_started', actor: account, target: source, details });
  return begun;
}

/** What a project is told about its source; the same again at each re-sync. */
export function describeSource({ provider, repository }: StartOptions['source']) {
  return {
    title: repository.name,
    description: repository.description,
    private: repository.isPrivate ? 1 : 0,
    default_branch: repository.mainBranch,
    source_provider: provider,
    source_url: repository.url ?? '',
    source_uuid: repository.uuid,
    source_full_name: repository.fullName,
    forked_from: repository.parent,
  };
}

function times(now: number) {
  return { created_at: now, updated_at: now };
}
