// Imports that are stopped, taken over, throttled, or see their source change, in whatever they are doing at that moment.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Http } from '../../src/bitbucket/http.ts';
import { createHttp } from '../../src/bitbucket/http.ts';
import { forgetCredential } from '../../src/imports/credentials.ts';
import { STAGE_NAMES } from '../../src/imports/stage-names.ts';
import { askCancel, retryImport } from '../../src/imports/start.ts';
import type { Verification } from '../../src/imports/stages/verification.ts';
import { findImport } from '../../src/imports/store.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { makeComment } from '../../src/sandbox/pull-requests.ts';
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { manyRepositories } from '../../src/sandbox/sample-repositories.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { runGit } from '../../src/sandbox/git-process.ts';
import { findGitProcesses } from '../git/server.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { until } from '../support/until.ts';
import { expectAll } from './brought.ts';
import type { World } from './world.ts';
import {
  ask,
  EVERYTHING,
  giveConsent,
  holdCalls,
  importAll,
  makePerson,
  startWorker,
  startWorld,
  waitFor,
} from './world.ts';

const MANY = 'acme/many';
const ODD = 'acme/odd-parts';

/** Does this once in every stage that the import can be met in. @param met the stages where it was done */
async function inEachStage(world: World, id: number, met: string[], act: () => Promise<void>): Promise<void> {
  for (const [index, name] of STAGE_NAMES.entries()) {
    const state = await waitFor(world, id, ({ stage, finished_at: end }) => {
      return end !== null || STAGE_NAMES.findIndex((one) => one === stage) >= index;
    });
    if (state.stage !== name || state.finished_at !== null) continue;
    await act();
    met.push(name);
  }
}

/** Each of its stages lasts for a while, and those that ask the API last until they were met. */
async function startSlowly(met: string[]): Promise<{ world: World; id: number }> {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  const { db } = world.app.services;
  const { id } = await ask(world, ODD);
  world.sandbox.fault('any', { kind: 'delay', ms: 20 });
  const http = createHttp({ maxBodyBytes: 32 * 1024 * 1024 });
  closeAtEnd(() => http.close());
  const isMet = async () => met.includes((await findImport(db, id))?.stage ?? '');
  const send: Http['send'] = async (request) => {
    await until(async () => request.signal?.aborted === true || (await isMet()));
    return http.send(request);
  };
  startWorker(world, { beatEveryMs: 20, http: { ...http, send } });
  return { world, id };
}

const THOSE_THAT_ASK = STAGE_NAMES.filter((name) => name !== 'people');

test('cancelled in whatever stage, and taken over there as after a kill, an import stops within seconds, leaves nothing running or half done, and ends the same (IR-001, IR-004, IR-021)', async () => {
  const met: string[] = [];
  const { world, id } = await startSlowly(met);
  const { services, dataDir } = world.app;
  const { db } = services;
  const place = join(dataDir, 'repositories');
  await inEachStage(world, id, met, async () => {
    const began = performance.now();
    await askCancel(services, { id });
    expect(await waitFor(world, id)).toMatchObject({ status: 'cancelled', reason: 'It was cancelled.' });
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(findGitProcesses()).toEqual([]);
    expect(existsSync(place) ? readdirSync(place).filter((name) => name.includes('work')) : []).toEqual([]);
    await retryImport(services, (await findImport(db, id))!);
    await waitFor(world, id, ({ status }) => status !== 'queued');
    const held = db.updateTable('imports').where('id', '=', id);
    await held.set((eb) => ({ fence: eb('fence', '+', 1), lease_until: 0 })).execute();
  });
  expect(met).toEqual(expect.arrayContaining(THOSE_THAT_ASK));
  world.sandbox.clearFaults();
  expect((await waitFor(world, id)).failures).toHaveLength(8);
  await expectAll(world, ODD);
});

test('what it reads with is forgotten while it runs: the import stops, asks for another, and goes on with that (IR-009)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 20, fullName: MANY })] } });
  const { db } = world.app.services;
  const { id } = await ask(world, MANY);
  const middle = holdCalls(/\/tasks/);
  startWorker(world, { http: middle.http });
  await middle.reached;
  const credential = await db.selectFrom('import_credentials').selectAll().executeTakeFirstOrThrow();
  const req = { headers: {}, get: () => undefined } as unknown as Parameters<typeof forgetCredential>[2];
  await forgetCredential(world.app.services, credential, req);
  const state = await waitFor(world, id, ({ status }) => status === 'waiting');
  expect(state).toMatchObject({
    waiting_until: null,
    reason: expect.stringContaining('Allow importing again') as string,
  });
  expect(await db.selectFrom('provider_tokens').selectAll().execute()).toEqual([]);
  middle.open();
  const credentialId = await giveConsent(world, 'alice', EVERYTHING);
  await retryImport(world.app.services, (await findImport(db, id))!, credentialId);
  expect(await waitFor(world, id)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, MANY);
});

test('while one person is told again and again to come later, without a word of when, imports of others go on (IR-011)', async () => {
  const repositories = [manyPullRequests({ count: 20, fullName: MANY }), manyRepositories(1, ['acme'])];
  const world = await startWorld({ sandbox: { repositories } });
  const { app, sandbox } = world;
  const account = await makePerson(app, 'eve');
  const other = { ...world, account, credentialId: await giveConsent({ app, sandbox, account }, 'alice', EVERYTHING) };
  const throttled = await ask(world, MANY);
  const free = await ask(other, 'acme/shop');
  const http = createHttp({ maxBodyBytes: 32 * 1024 * 1024 });
  closeAtEnd(() => http.close());
  const told: number[] = [];
  let isFreeDone = false;
  startWorker(world, {
    http: {
      ...http,
      send: async (request) => {
        if (!request.url.includes('/many/pullrequests')) return http.send(request);
        told.push(performance.now());
        // However long the other one takes: it comes to its end before patience with this one does.
        if (told.length > 2) await until(() => isFreeDone || request.signal?.aborted === true);
        return { endpoint: request.endpoint, status: 429, headers: {}, text: '' };
      },
    },
  });
  expect(await waitFor(other, free.id)).toMatchObject({ status: 'done' });
  await until(() => told.length > 2);
  expect(await waitFor(world, throttled.id, () => true)).toMatchObject({ status: 'running', finished_at: null });
  isFreeDone = true;
  for (const [index, pause] of [500, 1000].entries())
    expect(told[index + 1]! - told[index]!).toBeGreaterThanOrEqual(pause - 20); // timers round
});

test('what is made, edited and deleted at Bitbucket meanwhile does no harm, and the next run brings it (IR-018)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 20, fullName: MANY })] } });
  const source = world.sandbox.repository(MANY);
  const { id } = await ask(world, MANY);
  const middle = holdCalls(/\/tasks/); // pull requests, activity and comments are read by now
  startWorker(world, { http: middle.http });
  await middle.reached;
  const at = new Date(Date.now() + 1000).toISOString();
  const [first, second] = source.pullRequests.filter(({ comments }) => comments.length > 1);
  first!.comments[0]!.raw = 'Edited meanwhile';
  const [gone] = second!.comments.splice(-1);
  first!.comments.push(makeComment({ id: 999_999, author: 'bob', raw: 'Said meanwhile', createdOn: at }));
  first!.updatedOn = second!.updatedOn = at;
  const made = structuredClone(source.pullRequests[0]!);
  for (const event of made.activity) event.at = at;
  source.pullRequests.push({ ...made, id: 21, updatedOn: at, comments: [] });
  await runGit(['-C', source.dir, 'update-ref', 'refs/heads/pushed-meanwhile', 'main']);
  middle.open();
  const state = await waitFor(world, id);
  expect(['done', 'partial']).toContain(state.status);
  expect(state.failures).toEqual([]);
  expect((state.verification as Verification).missing.length > 0).toBe(state.status === 'partial');

  const again = await ask(world, MANY);
  expect(await waitFor(world, again.id)).toMatchObject({ status: 'done', failures: [], verification: { missing: [] } });
  const { db } = world.app.services;
  const marked = await db.selectFrom('comments').select('id').where('source_gone_at', 'is not', null).execute();
  expect(marked).toEqual([{ id: gone!.id }]);
  await db.deleteFrom('comments').where('id', '=', gone!.id).execute(); // the rest is as it is there
  await expectAll(world, MANY);
});

test('a repository with tags only, a HEAD that is a commit, no main branch and no pull request is imported as that (IR-028)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 0, fullName: MANY })] } });
  const source = world.sandbox.repository(MANY);
  const git = async (...args: string[]) => (await runGit(['-C', source.dir, ...args])).toString().trim();
  const sha = await git('rev-parse', 'main');
  await git('update-ref', 'refs/tags/v1', sha);
  await git('update-ref', '--no-deref', 'HEAD', sha);
  await git('update-ref', '-d', 'refs/heads/main');
  source.mainBranch = null;
  expect(await importAll(world, MANY)).toMatchObject({
    status: 'done',
    failures: [],
    verification: { found: { branches: 0, tags: 1 }, missing: [] },
  });
});
