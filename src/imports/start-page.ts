// Starting imports: those that were ticked or named, or all that the page has found.
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { requireAccount } from '../accounts/presence.ts';
import { TokensLost } from '../accounts/provider-tokens.ts';
import type { RemoteRepository } from '../bitbucket/remote-repository.ts';
import type { Import, ImportCredential } from '../db/import-tables.ts';
import { AppError } from '../errors.ts';
import { wantsJson } from '../web/answer.ts';
import { tell } from '../web/flash.ts';
import { isTicked, parseInput } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import type { Catalogue, Catalogues } from './catalogue.ts';
import type { Choosing } from './choose-page.ts';
import { importSource, readCatalogue } from './choose-page.ts';
import { chooseQuery, narrowDown } from './choose.ts';
import { getOwnCredential, listCredentials } from './credentials.ts';
import { describeImports } from './describe.ts';
import { importedBy } from './imported.ts';
import { startImport } from './start.ts';

/** As many as one form starts; the rest can be chosen again. */
const MAX_AT_ONCE = 2000;

const repositoryName = z.string().trim().max(300);
const startForm = chooseQuery.extend({
  /** `workspace/slug` or uuid; one or several. */
  repository: z
    .union([repositoryName, z.array(repositoryName).max(MAX_AT_ONCE)])
    .optional()
    .transform((names) => (names === undefined ? [] : [names].flat())),
  all_found: z.string().optional(),
  target_namespace: z.string().trim().max(200).optional(),
  new_name: z.string().trim().max(200).optional(),
});
type StartForm = z.infer<typeof startForm>;

/** What came of one repository that was asked for. */
interface Outcome {
  /** Its full name; what it was asked for by where it was not found. */
  repository: string;
  begun?: Import;
  refused?: AppError;
}

/**
 * POST /import/:provider: begins all that can be begun, and says of the others why not. 201 with both for scripts, or back
 * to the list of imports. Where none could be begun, that is an error.
 */
export function startImports(web: Web, { providers, catalogues }: Choosing): RequestHandler<{ provider: string }> {
  return async (req, res) => {
    const { name: provider } = await importSource(providers, req.params.provider);
    const form = parseInput(startForm, req.body);
    const account = requireAccount(req);
    const credential = await credentialOf(web, req, { provider, id: form.credential });
    const wanted = isTicked(form.all_found)
      ? await allFound(web, account.id, { form, provider, catalogue: await read(catalogues, credential) })
      : namesIn(form);
    const name = form.new_name || undefined;
    if (name !== undefined && wanted.length > 1)
      throw new AppError('bad_request', { sentence: 'A new name can be given to one repository at a time.' });
    const where = { namespace: form.target_namespace || account.username, name };
    const find = await catalogues.finder(credential.id);
    const outcomes: Outcome[] = [];
    for (const asked of wanted) {
      const outcome: Outcome = { repository: asked };
      outcomes.push(outcome);
      try {
        const repository = await find(asked);
        outcome.repository = repository.fullName;
        const source = { provider, repository };
        outcome.begun = await startImport(web.services, { account, source, credentialId: credential.id, ...where });
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        outcome.refused = error;
      }
    }
    await answer(web, req, res, { outcomes, form: `/import/${provider}/status?credential=${credential.id}` });
  };
}

interface Answer {
  outcomes: Outcome[];
  /** The page that the form stands on. */
  form: string;
}

async function answer({ services, site }: Web, req: Request, res: Response, { outcomes, form }: Answer): Promise<void> {
  const begun = outcomes.flatMap((outcome) => outcome.begun ?? []);
  const refused = outcomes.filter((outcome) => outcome.refused);
  const json = wantsJson(req, site);
  if (begun.length === 0 && (json || refused.length === 1)) throw noneBegun(refused);
  if (json) {
    const described = new Map((await describeImports(services.db, begun)).map((one) => [one.id, one]));
    const entries = outcomes.map((outcome) => {
      const { repository, begun } = outcome;
      return begun ? { repository, ...described.get(begun.id) } : refusalAsJson(outcome);
    });
    return void res.status(201).json(entries);
  }
  const title = titleOf(begun.length);
  const goesOn = `${begun.length === 1 ? 'It goes' : 'They go'} on without you; this page can be closed.`;
  if (refused.length === 0) await tell(req, title, goesOn);
  else
    await tell(
      req,
      `${title}, ${refused.length} could not`,
      refusalsInWords(refused),
      begun.length > 0 ? 'info' : 'error',
    );
  res.redirect(303, site.base + (begun.length > 0 ? '/imports' : form));
}

function titleOf(begun: number): string {
  if (begun === 0) return 'No import has begun';
  return begun === 1 ? 'One import has begun' : `${begun} imports have begun`;
}

/** For scripts the first one's status, and each with its own reason. */
function noneBegun(refused: Outcome[]): AppError {
  const first = refused[0]?.refused ?? new AppError('bad_request');
  if (refused.length === 1) return first;
  const sentence = `None of the ${refused.length} repositories can be imported now; "refused" says of each why.`;
  return new AppError(first.code, { ...first.options, sentence, members: { refused: refused.map(refusalAsJson) } });
}

/** In the place of an import, with what a script looks at first. */
function refusalAsJson({ repository, refused }: Outcome) {
  return { repository, id: null, status: 'refused', code: refused?.code, reason: refused?.message };
}

/** So many are named for each reason. */
const MOST_NAMED = 5;

/** Names by the reason that they share: `acme/a, acme/b: An import of it is under way already.` */
function refusalsInWords(outcomes: Outcome[]): string {
  const byReason = new Map<string, string[]>();
  for (const { repository, refused } of outcomes) {
    const reason = refused?.message ?? '';
    byReason.set(reason, [...(byReason.get(reason) ?? []), repository]);
  }
  const parts = [...byReason].map(([reason, names]) => {
    const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
    return `${names.slice(0, MOST_NAMED).join(', ')}${more}: ${reason}`;
  });
  return parts.join(' ');
}

async function credentialOf(
  { services: { db } }: Web,
  req: Request,
  { provider, id }: { provider: string; id: number | undefined },
): Promise<ImportCredential> {
  const account = requireAccount(req);
  if (id !== undefined) return getOwnCredential(db, account.id, id);
  const [newest] = await listCredentials(db, account.id, provider);
  if (!newest) throw new TokensLost();
  return newest;
}

async function read(catalogues: Catalogues, credential: ImportCredential): Promise<Catalogue> {
  const catalogue = await readCatalogue(catalogues, credential, false);
  if (!catalogue) throw new TokensLost();
  return catalogue;
}

/** @returns uuids of what the page has found and is not here yet */
async function allFound(
  { services }: Web,
  accountId: number,
  { form, catalogue, provider }: { form: StartForm; catalogue: Catalogue; provider: string },
): Promise<string[]> {
  const imported = await importedBy(services.db, accountId, provider);
  const found = narrowDown(catalogue.repositories, form, { imported, now: services.now() });
  const left = found.filter(({ uuid }: RemoteRepository) => !imported.has(uuid)).slice(0, MAX_AT_ONCE);
  if (left.length === 0) throw new AppError('bad_request', { sentence: 'All that was found is imported already.' });
  return left.map(({ uuid }) => uuid);
}

function namesIn({ repository: names }: StartForm): string[] {
  if (names.length > 0) return [...new Set(names)];
  throw new AppError('bad_request', { sentence: 'Choose at least one repository to import.' });
}
