// Somebody's imports: the list, the report of one, and what can be done about it.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { requireAccount } from '../accounts/presence.ts';
import type { Providers } from '../accounts/providers.ts';
import type { Import } from '../db/import-tables.ts';
import type { Database } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { viewPager } from '../projects/pager.ts';
import { wantsJson } from '../web/answer.ts';
import { tell } from '../web/flash.ts';
import { idIn, parseInput } from '../web/input.ts';
import { listAddress } from '../web/list-query.ts';
import { timeOf } from '../web/time.ts';
import type { Web } from '../web/web.ts';
import { listCredentials } from './credentials.ts';
import { describeImport } from './describe.ts';
import { listFailures } from './failures.ts';
import { readLines } from './journal.ts';
import { askCancel, resync, retryFailure, retryImport } from './start.ts';
import type { StageName } from './stage-names.ts';
import { countNewestImports, findImport, listNewestImports } from './store.ts';
import { maySee, PER_PAGE, progressOf, showChanges, summaryOf, watch, watchAll } from './watch.ts';
import { itemInWords, STAGE_WORDS, stageInWords } from './wording.ts';

const LINES_SHOWN = 200;
const MISSING_SHOWN = 100;

const query = z.object({ page: z.coerce.number().int().min(1).max(1e9).catch(1) });

/** GET /imports, and the same with `.json` */
export function showImports(web: Web, providers: Providers): RequestHandler {
  const { db, now } = web.services;
  const sendChanges = showChanges(web);
  return async (req, res, next) => {
    if (wantsJson(req, web.site)) return void (await sendChanges(req, res, next));
    const { page: wished } = parseInput(query, req.query);
    const whose = { accountId: requireAccount(req).id };
    const total = await countNewestImports(db, whose);
    const pager = viewPager({ total, perPage: PER_PAGE, wished }, (page) => listAddress('/imports', { page }));
    const imports = await watchAll(db, await listNewestImports(db, whose, pager.slice));
    const sources = await providers.importSources();
    const shown = { page: pager.page };
    web.render(req, res, 'imports/imports', {
      title: 'Your imports',
      imports: imports.map((watched) => summaryOf(watched, now())),
      sources: sources.map(({ name, label }) => ({ name, label })),
      pager,
      events: listAddress('/imports/events', shown),
      poll: listAddress('/imports.json', { ...shown, per_page: PER_PAGE }),
    });
  };
}

/** GET /imports/:id: what came, what did not and why. */
export function showReport(web: Web): RequestHandler<{ id: string }> {
  return async (req, res) => {
    const { db, now } = web.services;
    const row = await visibleImport(db, req);
    const watched = await watch(db, row);
    if (wantsJson(req, web.site))
      return void res.json({ ...(await describeImport(db, row)), progress: progressOf(watched, now()) });
    const [failures, lines] = await Promise.all([
      listFailures(db, row.id),
      readLines(db, row.id, { limit: LINES_SHOWN }),
    ]);
    web.render(req, res, 'imports/report', {
      title: `Import of ${watched.project.source_full_name}`,
      summary: summaryOf(watched, now()),
      own: row.account_id === requireAccount(req).id,
      provider: watched.project.source_provider,
      stages: watched.stages.map((stage) => ({
        words: STAGE_WORDS[stage.name as StageName] ?? stage.name,
        howFar: stageInWords(stage),
      })),
      failures: failures.map(({ id, kind, key, source_url, reason, retryable }) => ({
        ...{ id, words: itemInWords(kind, key), reason, retryable: retryable === 1 },
        href: source_url !== null && /^https?:\/\//.test(source_url) ? source_url : null,
      })),
      verification: row.verification === null ? null : viewVerification(row.verification),
      lines: lines.map(({ at, text }) => ({ time: timeOf(at), text })),
    });
  };
}

interface Verification {
  expected: Record<string, number>;
  found: Record<string, number>;
  missing: string[];
  digest: string;
}

function viewVerification(json: string) {
  const { expected, found, missing, digest } = JSON.parse(json) as Verification;
  const numbers = Object.entries(expected).map(([name, number]) => ({
    words: name.replaceAll('_', ' '),
    expected: number.toLocaleString('en-GB'),
    found: (found[name] ?? 0).toLocaleString('en-GB'),
  }));
  return { missing: missing.slice(0, MISSING_SHOWN), numbers, digest };
}

/** Its own person's, and administrators'. @throws AppError `not_found` for everybody else's */
async function visibleImport(db: Database, req: Request<{ id: string }>): Promise<Import> {
  const row = await findImport(db, idIn(req.params.id));
  if (!row || !maySee(requireAccount(req), row)) throw new AppError('not_found');
  return row;
}

/** An administrator may look and stop; whatever reads again does so with what its own person has given for it. */
function requireOwn(row: Import, req: Request): void {
  if (row.account_id !== requireAccount(req).id) throw new AppError('not_found');
}

interface Done {
  title: string;
  text: string;
  /** Where to, when not to the report. */
  id?: number;
}

type Act = (web: Web, row: Import, req: Request) => Promise<Done>;

const cancel: Act = async ({ services }, row, req) => {
  await askCancel(services, row, req);
  return { title: 'Asked to stop', text: 'What is here stays; it can go on later.' };
};

const retry: Act = async ({ services }, row) => {
  await retryImport(services, row, await credentialFor(services.db, row));
  return { title: 'It goes on', text: 'What could not be brought is tried again.' };
};

/** With the credential it had, or the newest of its source where that one was forgotten. */
async function credentialFor(db: Database, row: Import): Promise<number | undefined> {
  if (row.credential_id !== null) return row.credential_id;
  const { project } = await watch(db, row);
  return (await listCredentials(db, row.account_id, project.source_provider))[0]?.id;
}

const again: Act = async ({ services }, row, req) => {
  const { project } = await watch(services.db, row);
  const account = requireAccount(req);
  const credentialId = await credentialFor(services.db, row);
  if (credentialId === undefined) throw new AppError('reconnect');
  const begun = await resync(services, { project, account, credentialId });
  return { title: 'Bringing it up to date', text: 'Only what has changed is read again.', id: begun.id };
};

export const IMPORT_ACTIONS: Record<string, Act> = { cancel, retry, resync: again };

/** POST /imports/:id/cancel, retry, resync */
export function actOnImport(web: Web, act: Act): RequestHandler<{ id: string }> {
  return async (req, res) => {
    const row = await visibleImport(web.services.db, req);
    if (act !== cancel) requireOwn(row, req);
    await answer(web, req, res, { id: row.id, ...(await act(web, row, req)) });
  };
}

/** POST /imports/:id/failures/:failure/retry */
export function actOnFailure(web: Web): RequestHandler<{ id: string; failure: string }> {
  return async (req, res) => {
    const row = await visibleImport(web.services.db, req);
    requireOwn(row, req);
    await retryFailure(web.services, row, idIn(req.params.failure));
    const done = { title: 'It is tried again', text: 'That item is asked for once more.', id: row.id };
    await answer(web, req, res, done);
  };
}

async function answer(
  web: Web,
  req: Request,
  res: Response,
  { title, text, id }: Done & { id: number },
): Promise<void> {
  const { db } = web.services;
  const row = await findImport(db, id);
  if (wantsJson(req, web.site) && row) return void res.json(await describeImport(db, row));
  await tell(req, title, text, 'info');
  res.redirect(303, `${web.site.base}/imports/${id}`);
}
