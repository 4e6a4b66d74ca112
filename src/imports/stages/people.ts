// People who are mentioned and nothing else: whoever wrote, reviewed or approved came along with what they did.
import { TokensLost } from '../../accounts/provider-tokens.ts';
import { BitbucketFailure } from '../../bitbucket/failure.ts';
import type { RemotePerson } from '../../bitbucket/remote-person.ts';
import { savePeople } from '../../projects/records.ts';
import type { Job } from '../job.ts';
import { peopleRows } from '../rows.ts';
import type { Progress, Stage } from '../stage.ts';
import { pagesOfTexts } from '../texts.ts';

/** `@{account_id}`, as Bitbucket writes mentions down; in older texts the uuid, whose braces these are then. */
const MENTION = /@\{([\w:-]{1,128})\}/g;
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** From so many unknown people on, the list of the workspace's members costs fewer calls than asking for each. */
const FEW = 3;
const MOST_MEMBER_PAGES = 20;
/** Of people who are mentioned but are no members, so many are asked for. */
const MOST_SINGLE = 100;

export const people: Stage = {
  name: 'people',
  async run(job, progress) {
    const unknown = await findUnknown(job);
    // Those whom an earlier turn has found are known by now, and counted.
    await progress.save({ total: progress.done + unknown.size, skipped: 0 });
    if (unknown.size === 0) return;
    try {
      if (unknown.size > FEW) await readMembers(job, progress, unknown);
      for (const name of [...unknown].slice(0, MOST_SINGLE)) {
        const person = await job.client.findPerson(name);
        if (person) await keep(job, progress, unknown, [person]);
      }
    } catch (error) {
      // Names behind mentions are worth a call, and not worth an import: without the permission they stay ids.
      if (!isRefusal(error)) throw error;
      await job.note('Bitbucket does not show everybody who is mentioned; their ids stay in the texts.');
    }
    await progress.save({ skipped: unknown.size });
  },
};

/** By any status that asking again does not change; also a token that opens this repository and nothing else. */
function isRefusal(error: unknown): boolean {
  if (error instanceof TokensLost) return true;
  const status = error instanceof BitbucketFailure ? error.remoteStatus : undefined;
  return status !== undefined && status >= 400 && status < 500 && status !== 429;
}

async function findUnknown(job: Job): Promise<Set<string>> {
  const mentioned = new Set<string>();
  for await (const texts of pagesOfTexts(job.db, job.project.id)) {
    for (const { text } of texts)
      for (const [, accountId] of text.matchAll(MENTION)) mentioned.add(nameOf(accountId ?? ''));
  }
  const rows = await job.db
    .selectFrom('people')
    .select(['account_id', 'uuid'])
    .where('provider', '=', job.project.source_provider)
    .execute();
  for (const { account_id: accountId, uuid } of rows) forget(mentioned, { accountId, uuid });
  return mentioned;
}

/** What Bitbucket knows who is mentioned by: the account id, or the uuid in braces. */
function nameOf(mention: string): string {
  return UUID.test(mention) ? `{${mention.toLowerCase()}}` : mention;
}

function forget(mentioned: Set<string>, { accountId, uuid }: Pick<RemotePerson, 'accountId' | 'uuid'>): void {
  mentioned.delete(uuid);
  if (accountId !== null) mentioned.delete(accountId);
}

async function readMembers(job: Job, progress: Progress, unknown: Set<string>): Promise<void> {
  const workspace = job.source.split('/')[0] ?? '';
  let pages = 0;
  for await (const members of job.client.pagesOfMembers(workspace)) {
    const mentioned = members.filter(
      ({ accountId, uuid }) => unknown.has(uuid) || (accountId !== null && unknown.has(accountId)),
    );
    await keep(job, progress, unknown, mentioned);
    pages += 1;
    if (unknown.size === 0 || pages === MOST_MEMBER_PAGES) return;
  }
}

async function keep(job: Job, progress: Progress, unknown: Set<string>, found: RemotePerson[]): Promise<void> {
  for (const person of found) forget(unknown, person);
  await progress.save({ done: progress.done + found.length }, (trx) =>
    savePeople(trx, job.project.source_provider, peopleRows(found)),
  );
}
