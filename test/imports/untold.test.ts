// What a list need not tell: absent is something else than empty.
import { expectAll } from './brought.ts';
import { getPullRequest } from '../../src/projects/pull-requests.ts';
import { resync } from '../../src/imports/start.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import type { World } from './world.ts';
import { ask, importAll, startClock, startWorker, startWorld, waitFor } from './world.ts';

const SOURCE = 'acme/anvil';
const MANY = 'acme/many';
const start = () => startWorld({ sandbox: { repositories: [makeSmallSample] } });
const LISTS = { kind: 'without', paths: ['values.reviewers', 'values.participants'] } as const;

const peopleOf = ({ app }: World) =>
  app.services.db.selectFrom('pull_request_people').selectAll().orderBy('number').orderBy('uuid').execute();

/** With all pull requests updated since, as Bitbucket says. */
async function importAgain({ app, sandbox, account, credentialId }: World) {
  for (const each of sandbox.repository(SOURCE).pullRequests)
    each.updatedOn = new Date(Date.now() + 3600_000).toISOString();
  const { db } = app.services;
  const project = await db.selectFrom('projects').selectAll().executeTakeFirstOrThrow();
  const { id } = await resync(app.services, { project, account, credentialId });
  return waitFor({ app }, id);
}

describe('reviewers and approvals that the list does not tell', () => {
  test('are asked for, one call for each pull request (IR-015)', async () => {
    const world = await start();
    world.sandbox.fault('pullrequests', LISTS);
    expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
    await expectAll(world, SOURCE);
    expect(await peopleOf(world)).not.toEqual([]);
    expect(world.sandbox.counts.get('pullrequest')).toBe(world.sandbox.repository(SOURCE).pullRequests.length);
  });

  test('cost nothing where it does', async () => {
    const world = await start();
    expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
    expect(world.sandbox.counts.get('pullrequest')).toBeUndefined();
  });

  test('are not gone with the next import, and are read again then (IR-018)', async () => {
    const world = await start();
    expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
    const before = await peopleOf(world);
    world.sandbox.fault('pullrequests', LISTS);
    expect(await importAgain(world)).toMatchObject({ status: 'done', failures: [] });
    expect(await peopleOf(world)).toEqual(before);

    for (const { participants } of world.sandbox.repository(SOURCE).pullRequests)
      for (const participant of participants) participant.state = 'changes_requested';
    expect(await importAgain(world)).toMatchObject({ status: 'done', failures: [] });
    await expectAll(world, SOURCE);
  });

  test('are in the report where nothing tells of them, and what is here stays (IR-014)', async () => {
    const world = await start();
    expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
    const before = await peopleOf(world);
    world.sandbox.fault('pullrequests', LISTS);
    world.sandbox.fault('pullrequest', { kind: 'without', paths: ['reviewers', 'participants'] });
    const { status, failures } = await importAgain(world);
    expect(status).toBe('partial');
    const numbers = world.sandbox.repository(SOURCE).pullRequests.map(({ id }) => String(id));
    expect(failures.map(({ kind, key }) => [kind, key])).toEqual(numbers.sort().map((key) => ['reviewers', key]));
    expect(failures[0]).toMatchObject({ reason: expect.stringContaining('does not tell') as string, retryable: true });
    expect(await peopleOf(world)).toEqual(before);

    world.sandbox.clearFaults();
    expect(await importAgain(world)).toMatchObject({ status: 'done', failures: [] });
  });

  test('are all asked for although an hour has fewer calls than that takes (IR-010)', async () => {
    const { clock, jump } = startClock();
    const repositories = [manyPullRequests({ count: 40, fullName: MANY })];
    const sandbox = { repositories, now: clock, switches: { hourlyLimit: 20 } };
    const world = await startWorld({ now: clock, sandbox });
    world.sandbox.fault('pullrequests', LISTS);
    const { id } = await ask(world, MANY);
    startWorker(world);
    for (let waits = 0; ; waits++) {
      const state = await waitFor(world, id, ({ status, waiting_until: until }) => {
        return status === 'waiting' ? Date.parse(until!) > clock() : !['queued', 'running'].includes(status);
      });
      if (state.status !== 'waiting') {
        expect(state).toMatchObject({ status: 'done', failures: [] });
        break;
      }
      expect(waits).toBeLessThan(20);
      jump(Date.parse(state.waiting_until!) - clock() + 1000);
    }
    expect(world.sandbox.counts.get('pullrequest')).toBeLessThan(40 + 20);
    await expectAll(world, MANY);
  });
});

test('comments and tasks are here where the list counts none, because it does not count (IR-015)', async () => {
  const world = await start();
  const paths = ['values.comment_count', 'values.task_count'];
  world.sandbox.fault('pullrequests', { kind: 'without', paths });
  expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
  await expectAll(world, SOURCE);
  const { db } = world.app.services;
  for (const { id, comments, tasks } of world.sandbox.repository(SOURCE).pullRequests) {
    const said = comments.filter(({ deleted, pending }) => !deleted && !pending).length;
    const row = await getPullRequest(db, 1, id);
    expect([id, row.comment_count, row.task_count]).toEqual([id, said, tasks.length]);
  }
});

test('a pull request whose comments were all deleted since keeps and marks them (IR-018)', async () => {
  const world = await start();
  expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
  const talked = world.sandbox.repository(SOURCE).pullRequests.find(({ comments }) => comments.length > 0)!;
  talked.comments = [];
  expect(await importAgain(world)).toMatchObject({ status: 'done', failures: [] });
  const { db } = world.app.services;
  const rows = await db.selectFrom('comments').selectAll().where('number', '=', talked.id).execute();
  expect(rows).not.toEqual([]);
  expect(rows.filter(({ source_gone_at: at, body }) => at === null || body === '')).toEqual([]);
});

test('whoever is mentioned by a uuid is asked for by it, in braces', async () => {
  const world = await start();
  const [one, two] = world.sandbox.repository(SOURCE).pullRequests;
  const { uuid } = world.sandbox.person('alice');
  one!.description = `Ask @${uuid}`;
  two!.description = 'Ask @{F0000000-0000-4000-8000-00000000000f} and @{557058:nobody}';
  expect(await importAll(world, SOURCE)).toMatchObject({ status: 'done', failures: [] });
  const asked = world.sandbox.requests.flatMap(({ path }) => /\/users\/.*/.exec(path)?.[0] ?? []);
  expect(asked.sort()).toEqual(['/users/%7Bf0000000-0000-4000-8000-00000000000f%7D', '/users/557058%3Anobody']);
});
