// Entries that are not as Bitbucket documents them: the rest comes, and what does not is in the report.
import type { ImportJson } from '../../src/imports/describe.ts';
import { readLines } from '../../src/imports/journal.ts';
import { retryImport } from '../../src/imports/start.ts';
import { findImport } from '../../src/imports/store.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import type { World } from './world.ts';
import { ask, importAll, startWorker, startWorld, waitFor } from './world.ts';

const SOURCE = 'acme/anvil';
const start = () => startWorld({ sandbox: { repositories: [makeSmallSample] } });
const bodies = async ({ app }: World) => {
  const rows = await app.services.db.selectFrom('comments').select('body').orderBy('id').execute();
  return rows.map(({ body }) => body);
};

/** The first answer of this kind has these entries. */
function answerWith(
  { sandbox }: World,
  route: 'pullrequests' | 'comments' | 'tasks' | 'activity',
  values: unknown[],
): void {
  sandbox.fault(route, { kind: 'answer', json: { values }, times: 1 });
}

async function tryAgain(world: World, { id }: ImportJson): Promise<ImportJson> {
  const row = await findImport(world.app.services.db, id);
  await retryImport(world.app.services, row!);
  return waitFor(world, id);
}

const odd = [null, 'a comment', { id: 'x' }, { id: -1, content: { raw: 'Nobody' } }, { content: { raw: 'Nothing' } }];

test('comments that nobody can read are named with their pull request, and the others come (IR-014, IR-037)', async () => {
  const world = await start();
  const good = { id: 77, content: { raw: 'I am fine' }, created_on: '2026-02-01T00:00:00Z', brand_new: { a: 1 } };
  answerWith(world, 'comments', [...odd, good]);
  const state = await importAll(world, SOURCE);
  expect(state.status).toBe('partial');
  const [failure, ...others] = state.failures;
  expect(others).toEqual([]);
  expect(failure).toMatchObject({ kind: 'comments', retryable: true });
  expect(failure!.source_url).toMatch(/\/acme\/anvil\/pull-requests\/\d+$/);
  expect(failure!.reason).toMatch(/^5 of the comments could not be read.*one without a number \(the whole\)/);
  expect(await bodies(world)).toContain('I am fine');

  // Later Bitbucket says it as it should.
  expect(await tryAgain(world, state)).toMatchObject({ status: 'done', failures: [] });
});

test('so are pull requests without a number, at the repository', async () => {
  const world = await start();
  answerWith(world, 'pullrequests', [{ id: 'one', title: 'Nameless' }, 5]);
  const state = await importAll(world, SOURCE);
  expect(state).toMatchObject({ status: 'partial', failures: [{ kind: 'pull_request', retryable: false }] });
  expect(state.failures[0]!.source_url).toMatch(/\/acme\/anvil$/);
  expect(state.failures[0]!.reason).toMatch(/^2 of the pull requests could not be read/);
});

test('so are tasks', async () => {
  const world = await start();
  answerWith(world, 'tasks', [{ id: 1.5, content: { raw: 'half' } }]);
  const state = await importAll(world, SOURCE);
  expect(state).toMatchObject({ status: 'partial', failures: [{ kind: 'tasks', retryable: true }] });
  expect(await tryAgain(world, state)).toMatchObject({ status: 'done', failures: [] });
});

test('so is what happened to a pull request; what is of a kind that nobody knows is a line in the log', async () => {
  const world = await start();
  const update = { pull_request: { id: 1 }, update: 'merged, I think' };
  const unknown = { pull_request: { id: 2 }, rewind: { date: '2026-02-01T00:00:00Z' } };
  answerWith(world, 'activity', [update, { approval: {} }, unknown, {}]);
  const state = await importAll(world, SOURCE);
  expect(state.status).toBe('partial');
  expect(state.failures).toMatchObject([
    { kind: 'activity', key: '1', retryable: true, source_url: expect.stringMatching(/pull-requests\/1$/) as string },
    {
      kind: 'activity',
      key: 'of no pull request',
      retryable: false,
      source_url: expect.stringMatching(/anvil$/) as string,
    },
  ]);
  expect(state.stages.find(({ name }) => name === 'activity')).toMatchObject({ skipped: 2 });
  const lines = await readLines(world.app.services.db, state.id);
  expect(lines.map(({ text }) => text).join()).toContain('nothing is known of their kind: 2 things');

  // Asked for by itself, what happened to the pull request can be read.
  expect((await tryAgain(world, state)).failures).toMatchObject([{ key: 'of no pull request' }]);
});

test('words that nobody knows, new fields, dates of no calendar and broken characters are stored, and the import goes on (IR-037)', async () => {
  const world = await start();
  const text = 'NUL \0, half \ud83d and whole \ud83d\ude00\r\n';
  const comment = {
    ...{
      id: 78,
      content: { raw: text, markup: 'hologram' },
      created_on: 'yesterday',
      updated_on: '+275760-09-13T00:00:00Z',
    },
    ...{
      type: 'hologram',
      inline: { path: 'a\0b', to: -4, from: 'x' },
      resolution: 5,
      user: { uuid: 'x' },
      more: [[]],
    },
  };
  answerWith(world, 'comments', [comment]);
  answerWith(world, 'tasks', [{ id: 79, content: { raw: text }, state: 'PONDERED', created_on: {} }]);
  const { id } = await ask(world, SOURCE);
  startWorker(world);
  const state = await waitFor(world, id);
  expect(state.failures).toEqual([]);
  const { db } = world.app.services;
  const body = 'NUL \ufffd, half \ufffd and whole \ud83d\ude00\r\n';
  const row = await db.selectFrom('comments').selectAll().where('id', '=', 78).executeTakeFirstOrThrow();
  expect(row).toMatchObject({ body, author: null, created_at: 0, updated_at: null, resolved: 0 });
  expect(JSON.parse(row.inline!)).toMatchObject({ path: 'a\ufffdb', from: null, to: null });
  const task = await db.selectFrom('tasks').selectAll().where('id', '=', 79).executeTakeFirstOrThrow();
  expect(task).toMatchObject({ body, state: 'open' });
});
