// Whatever an import has just written when it is stopped, killed or cancelled: it ends as if nothing had been.
import { createHash } from 'node:crypto';
import { readLines } from '../../src/imports/journal.ts';
import { runGit } from '../../src/sandbox/git-process.ts';
import { lfsPointer } from '../../src/sandbox/git-story.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { makeComment } from '../../src/sandbox/pull-requests.ts';
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { eventsOf } from '../support/people.ts';
import { expectAll } from './brought.ts';
import type { Stop } from './stopping.ts';
import { leftBy, runStopping } from './stopping.ts';
import type { World } from './world.ts';
import { ask, EVERYTHING, giveConsent, makePerson, startWorld } from './world.ts';

jest.setTimeout(120_000);

const MANY = 'acme/many';
const ODD = 'acme/odd-parts';
const GONE = { kind: 'answer', status: 404, json: { type: 'error' } } as const;
/** Where each call is about one item. */
const ONE_BY_ONE = ['comments', 'tasks', 'diff', 'image'] as const;
const STANDS = Date.now();
const now = () => STANDS;

async function startOdd(): Promise<World> {
  const world = await startWorld({ now, sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  world.sandbox.repository(ODD).isPrivate = false; // only then its images are given to anybody
  return world;
}

/** The same Bitbucket, for somebody else who has nothing of it yet. */
async function asAnother({ app, sandbox }: World): Promise<World> {
  await app.services.db.deleteFrom('people').execute();
  const account = await makePerson(app, 'eve');
  return { app, sandbox, account, credentialId: await giveConsent({ app, sandbox, account }, 'alice', EVERYTHING) };
}

const linesOf = async ({ app }: World, id: number) => {
  const lines = await readLines(app.services.db, id, { limit: 10_000 });
  return new Set(lines.map(({ text }) => text));
};

test('killed once after each of its writes, an import ends with the same rows, files, counts and report (IR-001, IR-003, IR-014)', async () => {
  const world = await startOdd();
  const { app, sandbox } = world;
  // What fails and is killed at once succeeds in the next turn: then it is in no report.
  for (const route of ONE_BY_ONE) sandbox.fault(route, { ...GONE, times: 1 });
  const { id } = await ask(world, ODD);
  expect(await runStopping(app, id, { stop: 'killed' })).toBeGreaterThan(60);
  const left = await leftBy(app, id);
  expect(left.failures).toHaveLength(5);
  expect(await eventsOf(app, 'import_ended')).toEqual([`import_ended ok partial ${ODD}`]);
  const lines = await linesOf(world, id);

  const other = await asAnother(world);
  const straight = await ask(other, ODD);
  expect(await runStopping(app, straight.id)).toBe(1);
  expect(left).toEqual(await leftBy(app, straight.id));
  expect(lines).toEqual(await linesOf(other, straight.id));
});

test('what an import could not bring, the next one does, stopped once after each of its writes: then nothing of it is in the report (IR-001, IR-014)', async () => {
  const world = await startOdd();
  const { app, sandbox } = world;
  for (const route of [...ONE_BY_ONE, 'storage'] as const) sandbox.fault(route, GONE);
  const first = await ask(world, ODD);
  await runStopping(app, first.id);
  expect((await leftBy(app, first.id)).failures.length).toBeGreaterThan(12);
  sandbox.clearFaults();
  const { id } = await ask(world, ODD);
  await runStopping(app, id, { stop: 'stopped' });
  await expectAll(world, ODD);
  const { failures, rows, files } = await leftBy(app, id);

  const other = await asAnother(world);
  const straight = await ask(other, ODD);
  await runStopping(app, straight.id);
  const clean = await leftBy(app, straight.id);
  const keys = (all: string[]) => all.map((text) => (JSON.parse(text) as { kind: string; key: string }).key).sort();
  expect(keys(failures)).toEqual(keys(clean.failures));
  expect([rows, files]).toEqual([clean.rows, clean.files]);
});

/** Things that happen at Bitbucket while it is read. @returns the name of a large file that was pushed */
const CHANGES = {
  comments({ sandbox }: World): undefined {
    const at = new Date(STANDS + 1000).toISOString();
    for (const one of sandbox.repository(MANY).pullRequests.slice(0, 3)) {
      one.comments.push(makeComment({ id: 910_000 + one.id, author: 'bob', raw: 'Late', createdOn: at }));
      one.updatedOn = at;
    }
  },
  async push({ sandbox }: World): Promise<string> {
    const { dir, lfs } = sandbox.repository(MANY);
    const content = Buffer.from('pushed late');
    const oid = createHash('sha256').update(content).digest('hex');
    lfs.set(oid, content);
    const who = ['-c', 'user.name=S', '-c', 'user.email=s@example.test'];
    const run = async (args: string[], input?: string) =>
      String(await runGit(['-C', dir, ...who, ...args], input)).trim();
    const blob = await run(['hash-object', '-w', '--stdin'], lfsPointer(oid, content.length));
    const tree = await run(['mktree'], `100644 blob ${blob}\tlate.bin\n`);
    await run(['update-ref', 'refs/heads/late', await run(['commit-tree', tree, '-m', 'Late'])]);
    return oid;
  },
};

test.each<[keyof typeof CHANGES, Stop]>([
  ['comments', 'killed'],
  ['comments', 'cancelled'],
  ['push', 'killed'],
  ['push', 'cancelled'],
])(
  '%s at Bitbucket meanwhile come along all the same, when the import is %s once after each write (IR-001, IR-018, IR-021)',
  async (name, stop) => {
    const world = await startWorld({
      now,
      sandbox: { repositories: [manyPullRequests({ count: 6, fullName: MANY })] },
    });
    const { db } = world.app.services;
    const { id } = await ask(world, MANY);
    let changed: Promise<string | undefined> | undefined;
    const before = async ({ stage }: { stage: string | null }) => {
      if (stage === 'attachments') await (changed ??= Promise.resolve(CHANGES[name](world)));
    };
    await runStopping(world.app, id, { stop, before });
    expect(changed).toBeDefined();
    expect((await leftBy(world.app, id)).row).toMatchObject({ status: 'done', verification: { missing: [] } });
    await expectAll(world, MANY);
    const oid = await changed;
    const objects = await db.selectFrom('lfs_objects').select(['oid', 'present']).execute();
    expect(objects).toEqual(oid === undefined ? [] : [{ oid, present: 1 }]);
  },
);
