// `gatehouse import WORKSPACE/REPOSITORY --as NAME`: an import from the command line, with its progress.
import { setTimeout as wait } from 'node:timers/promises';
import { TokensLost } from '../accounts/provider-tokens.ts';
import { findAccountByUsername } from '../accounts/store.ts';
import { BitbucketFailure } from '../bitbucket/failure.ts';
import { initialState } from '../config/reload.ts';
import type { Account } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import { Accesses, clientWith } from '../imports/access.ts';
import { listCredentials } from '../imports/credentials.ts';
import type { ImportJson } from '../imports/describe.ts';
import { describeImport } from '../imports/describe.ts';
import { startImport } from '../imports/start.ts';
import { ACTIVE, findImport } from '../imports/store.ts';
import { ImportWorker } from '../imports/worker.ts';
import { reasonOf } from '../imports/words.ts';
import { openLog } from '../log.ts';
import type { Services } from '../services.ts';
import { openServices } from '../services.ts';
import type { Command, CommandContext } from './command.ts';
import { CommandFailed, loadConfiguration } from './command.ts';
import { showLine, showState } from './import-progress.ts';

export const IMPORT_USAGE =
  'usage: gatehouse import WORKSPACE/REPOSITORY --as NAME [--namespace NAMESPACE] [--name NAME] [--config FILE]';
const WHO = 'Sign in once with Bitbucket, or make one: gatehouse admin create NAME';
const LOOK_EVERY_MS = 300;

export const importCommand: Command = async (context) => {
  const { source, name } = readWords(context);
  const loaded = loadConfiguration(context);
  // Standard output is for the progress: a script reads it.
  const log = openLog({ ...loaded.config.log, level: 'warn' }, process.stderr);
  const services = await openServices({ configuration: () => initialState(loaded), log });
  try {
    const account = await findAccountByUsername(services.db, name);
    if (account?.state !== 'active')
      throw new CommandFailed(`no active account has the name ${JSON.stringify(name)}. ${WHO}`);
    const id = await begin(services, account, source, context);
    return await follow(services, id, context);
  } finally {
    await services.close();
  }
};

function readWords({ args, target }: CommandContext): { source: string; name: string } {
  const [source, ...rest] = args;
  const name = target?.as;
  if (source === undefined || name === undefined || rest.length > 0) throw new CommandFailed(IMPORT_USAGE, 2);
  return { source, name: name.toLowerCase() };
}

async function begin(services: Services, account: Account, source: string, context: CommandContext): Promise<number> {
  const [credential] = await listCredentials(services.db, account.id);
  if (!credential) {
    throw new CommandFailed(
      `${account.username} has nothing to ask Bitbucket with. Connect Bitbucket for importing, or enter an API token, ` +
        `at ${services.config().external_url}/import/bitbucket/status`,
    );
  }
  try {
    const repository = await readSource(services, credential.id, source);
    const { namespace, name } = context.target ?? {};
    const from = { source: { provider: credential.provider, repository }, credentialId: credential.id };
    return (await startImport(services, { account, ...from, namespace, name })).id;
  } catch (error) {
    throw explained(error, source, `${services.config().external_url}/import/${credential.provider}/credentials`);
  }
}

/** In words, with what to do next. @param page where a person lets this server read at Bitbucket */
function explained(error: unknown, source: string, page: string): unknown {
  if (error instanceof AppError) return new CommandFailed(`${source}: ${error.message}${ELSEWHERE[error.code] ?? ''}`);
  if (error instanceof TokensLost)
    return new CommandFailed(`${source}: Bitbucket lets this server in no more. Allow it again at ${page}`);
  if (!(error instanceof BitbucketFailure)) return error;
  return new CommandFailed(`${source}: ${reasonOf(error)} ${nextStep(error, page)}`);
}

const ELSEWHERE: Partial<Record<AppError['code'], string>> = {
  bad_target: ' Name it by --namespace and --name.',
  path_taken: ' Name it by --namespace and --name.',
};

function nextStep({ remoteStatus, reason, permanent }: BitbucketFailure, page: string): string {
  if (reason === 'missing_scope' || remoteStatus === 401) return `That is done at ${page}`;
  if (remoteStatus === 403 || remoteStatus === 404)
    return `Check the name, as WORKSPACE/REPOSITORY, and at ${page} as whom this server reads.`;
  return permanent ? 'Name it as WORKSPACE/REPOSITORY, as in its address at Bitbucket.' : 'Try again in a while.';
}

async function readSource(services: Services, credentialId: number, source: string) {
  const access = await new Accesses(services).open(credentialId);
  const client = clientWith(access, { http: services.http, signal: new AbortController().signal });
  return client.getRepository(source);
}

/** Works on it, unless a running server or worker was faster, and shows how far it is. Ctrl+C leaves it where it is. */
async function follow(services: Services, id: number, { out }: CommandContext): Promise<number> {
  const worker = new ImportWorker(services, { only: id, lookEveryMs: LOOK_EVERY_MS }).start();
  let isLeft = false;
  process.once('SIGINT', () => (isLeft = true)).once('SIGTERM', () => (isLeft = true));
  const show = process.stdout.isTTY ? showState(process.stdout) : showLine(out);
  try {
    for (;;) {
      const state = await read(services, id);
      show(state);
      if (!ACTIVE.includes(state.status)) return state.status === 'done' ? 0 : 1;
      if (isLeft) throw new CommandFailed(`stopped; gatehouse serve or work goes on with import ${id}`);
      await wait(LOOK_EVERY_MS);
    }
  } finally {
    await worker.stop();
  }
}

async function read({ db }: Services, id: number): Promise<ImportJson> {
  const row = await findImport(db, id);
  if (!row) throw new CommandFailed('the import is gone: its project or account was deleted. Begin it again');
  return describeImport(db, row);
}
