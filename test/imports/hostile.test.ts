// What comes from Bitbucket is text from outside: names, addresses, sizes, lists that move, answers that lie.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryReply } from '../../src/bitbucket/remote-repository.ts';
import { findImages, mayFetchFrom } from '../../src/imports/image-urls.ts';
import { retryImport } from '../../src/imports/start.ts';
import { findImport } from '../../src/imports/store.ts';
import { runGit } from '../../src/sandbox/git-process.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { expectAll } from './brought.ts';
import { ask, importAll, startWorker, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';
const uuid = '{7f5a3a6c-2b1d-4c8e-9f00-0123456789ab}';
const isTaken = (fullName: unknown) => repositoryReply.safeParse({ uuid, full_name: fullName }).success;

describe('names of repositories (IM-001)', () => {
  const refused = [
    '..',
    '.',
    '.git',
    '.git ',
    'git~1',
    'a/b',
    'a\\b',
    'C:\\x',
    'a\0',
    'a\rb',
    'a\tb',
    '-rf',
    '--output=/tmp/x',
  ];
  test.each([...refused, '`id`', 'a;id', 'a>b', 'a"b', '~root', 'a'.repeat(101), 'a%2fb', 'x.git', ''])(
    '%j is none',
    (slug) => {
      expect([isTaken(`acme/${slug}`), isTaken(`${slug}/anvil`)]).toEqual([false, false]);
    },
  );

  test.each([
    'repo.wiki',
    'repo.lock',
    'NUL.txt',
    '__proto__',
    'null',
    '0',
    'true',
    'admin',
    'my_repo.v2',
    'UPPER',
    'a'.repeat(62),
  ])('%j is one like others', (slug) => expect(isTaken(`acme/${slug}`)).toBe(true));

  const corpora = process.env['SECURITY_CORPORA'];
  (corpora === undefined ? test.skip : test)('those of the shared corpus', () => {
    const text = readFileSync(join(corpora ?? '', 'bad_repo_names_shared.json'), 'utf8');
    const { cases } = JSON.parse(text) as { cases: { id: string; field: string; value: string; expect: string }[] };
    const slugs = cases.filter(({ field }) => field === 'slug');
    const wrong = slugs.filter(({ value, expect: wanted }) => isTaken(`acme/${value}`) === (wanted === 'reject_item'));
    expect([slugs.length > 20, wrong]).toEqual([true, []]);
  });
});

describe('addresses in texts (IM-028, IM-034)', () => {
  const web = 'https://bitbucket.org/';
  const braces = `%7B%7D/${encodeURIComponent(uuid)}`;

  test('images that were uploaded to Bitbucket are found in both forms, once for each address', () => {
    const text = `![a](${web}repo/BgzgjpR/images/461711928-a%20b.png) and\n<img src="${web}${braces}/images/1-c.svg">`;
    expect(findImages(text, web)).toEqual([
      { url: `${web}repo/BgzgjpR/images/461711928-a%20b.png`, name: '461711928-a b.png' },
      { url: `${web}${braces}/images/1-c.svg`, name: '1-c.svg' },
    ]);
  });

  test('the address of an image is short enough for a key, whatever stands behind it or in front of its name', () => {
    const path = `${web}repo/BgzgjpR/images/1-a.png`;
    expect(findImages(`![a](${path}#${'é'.repeat(1900)})`, web)).toEqual([{ url: path, name: '1-a.png' }]);
    expect(findImages(`![a](${web}repo/x/images/${'1'.repeat(1900)}-a.png)`, web)).toEqual([]);
    expect(findImages(`![a](${web}repo/x/images/1-${'a'.repeat(1900)}.png)`, web)).toEqual([]);
  });

  test.each([
    'https://evil.test/repo/x/images/1-a.png',
    'https://bitbucket.org@evil.test/repo/x/images/1-a.png',
    'https://user:pass@bitbucket.org/repo/x/images/1-a.png',
    'http://bitbucket.org/repo/x/images/1-a.png',
    'https://bitbucket.org:8443/repo/x/images/1-a.png',
    'https://bitbucket.org/repo/x/../../admin/images/1-a.png',
    'https://bitbucket.org/repo/x/images/1-a.png?next=https://evil.test',
    'https://bitbucket.org/acme/anvil/raw/main/1-a.png',
    'http://169.254.169.254/repo/x/images/1-a.png',
    'file:///repo/x/images/1-a.png',
    'data:image/png;base64,AAAA',
  ])('%s is a link, and nobody fetches it', (url) => {
    expect(findImages(`![x](${url})`, web)).toEqual([]);
  });

  test.each([
    ['https://bitbucket.org/x', true],
    ['https://bbuseruploads.s3.amazonaws.com/x', true],
    ['https://bytebucket.org/x', true],
    ['http://bytebucket.org/x', false],
    ['https://evil.test/x', false],
    ['https://127.0.0.1/x', false],
    ['https://169.254.169.254/x', false],
    ['https://bytebucket.org.evil.test/x', false],
    ['https://bytebucket.org:444/x', false],
  ])('a redirect of an image to %s: %s (IM-027)', (url, may) => {
    expect(mayFetchFrom(new URL(url), web)).toBe(may);
  });
});

test('a list that passes over a page is read again until its count is right (IR-016, IR-017)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 60, fullName: MANY })] } });
  world.sandbox.fault('pullrequests', { kind: 'change', json: { values: [] }, times: 1 });
  expect(await importAll(world, MANY)).toMatchObject({ status: 'done', verification: { missing: [] } });
  await expectAll(world, MANY);
});

test('an address that is gone for a while is asked again; one that stays gone is named (IR-013)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample] } });
  const gone = { kind: 'answer', status: 410, json: { type: 'error', error: { message: 'CHANGE-9999' } } } as const;
  world.sandbox.fault('comments', { ...gone, times: 2 });
  world.sandbox.fault('tasks', gone);
  const { id } = await ask(world, 'acme/anvil');
  startWorker(world);
  const state = await waitFor(world, id, ({ status, failures }) => status === 'waiting' || failures.length > 0);
  expect(JSON.stringify(state)).toMatch(/removed the address/);
  const comments = await world.app.services.db.selectFrom('comments').selectAll().execute();
  expect(comments).toHaveLength(2);
});

test('a repository that is too large is refused before anything of it is fetched (IM-019)', async () => {
  const yaml = 'import: { max_repository_mb: 5 }';
  const world = await startWorld({ yaml, sandbox: { repositories: [makeSmallSample] } });
  world.sandbox.repository('acme/anvil').size = 6 * 1024 * 1024;
  const state = await importAll(world, 'acme/anvil');
  expect(state).toMatchObject({ status: 'failed', reason: expect.stringContaining('6 MB') as string });
  expect(world.sandbox.counts.get('git')).toBeUndefined();
});

test('one that is larger than the free disk waits for space, before anything of it is fetched (IM-019)', async () => {
  const yaml = 'import: { max_repository_mb: 10000000 }';
  const world = await startWorld({ yaml, sandbox: { repositories: [makeSmallSample] } });
  world.sandbox.repository('acme/anvil').size = 9e12;
  const { id } = await ask(world, 'acme/anvil');
  startWorker(world);
  const state = await waitFor(world, id, ({ status }) => status !== 'queued' && status !== 'running');
  expect(state).toMatchObject({ status: 'waiting', reason: expect.stringContaining('disk is full') as string });
  expect(world.sandbox.counts.get('git')).toBeUndefined();
});

test('one that turns out to be larger than it said is stopped, and nothing of it stays (IM-018, IM-019)', async () => {
  const yaml = 'import: { max_repository_mb: 1 }';
  const world = await startWorld({
    yaml,
    sandbox: { repositories: [manyPullRequests({ count: 2, fullName: MANY, files: { big: noise(3) } })] },
  });
  const state = await importAll(world, MANY);
  expect(state).toMatchObject({ status: 'failed', reason: expect.stringContaining('larger') as string });
  expect(readdirSync(join(world.app.dataDir, 'repositories'))).toEqual([]);
});

test('images of a private repository are listed with what to do, and no token goes to the pages of Bitbucket (IM-027)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  world.sandbox.repository('acme/odd-parts').isPrivate = true;
  const { status, failures } = await importAll(world, 'acme/odd-parts');
  const images = failures.filter(({ kind }) => kind === 'attachment');
  expect([status, images.length > 0]).toEqual(['partial', true]);
  for (const { reason, source_url: url } of images) {
    expect(reason).toMatch(/to signed-in browsers only, .* open its address there and save it if you need it\.$/);
    expect(url).toMatch(/\/images\/\d+-/);
  }
  const asked = world.sandbox.requestsTo('image');
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);
});

test('a repository with a tree that means harm fails with the reason, each time, and nothing of it stays (IM-011, IM-012)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 1, fullName: MANY })] } });
  const { dir } = world.sandbox.repository(MANY);
  const write = async (type: string, content: Buffer | string) => {
    const args = ['-C', dir, 'hash-object', '-t', type, '--literally', '-w', '--stdin'];
    return (await runGit(args, content)).toString().trim();
  };
  const empty = Buffer.from(await write('tree', ''), 'hex');
  const tree = await write('tree', Buffer.concat([Buffer.from('40000 .git\0'), empty]));
  const who = 'S <s@example.test> 1767225600 +0000';
  const commit = await write('commit', `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nx\n`);
  await runGit(['-C', dir, 'update-ref', 'refs/heads/evil', commit]);
  const { id } = await ask(world, MANY);
  startWorker(world);
  for (let times = 0; times < 3; times += 1) {
    const state = await waitFor(world, id);
    expect(state).toMatchObject({
      status: 'failed',
      reason: 'The repository holds objects that git refuses as damaged or dangerous, so nothing of it was taken over.',
    });
    expect(readdirSync(join(world.app.dataDir, 'repositories'))).toEqual([]);
    await retryImport(world.app.services, (await findImport(world.app.services.db, id))!);
  }
});

test('settings are kept without secrets (IM-042)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  const { hooks } = world.sandbox.repository('acme/odd-parts');
  hooks.push({
    uuid,
    description: 'deploy',
    url: 'https://user:s3cret@ci.test/hook?token=s3cret',
    secret: 's3cret',
    secret_set: true,
    events: [],
  });
  await importAll(world, 'acme/odd-parts');
  const rows = await world.app.services.db.selectFrom('source_settings').selectAll().execute();
  const kept = JSON.stringify(rows);
  expect(kept).toContain('https://ci.test/hook');
  expect(kept).not.toContain('s3cret');
});

/** Megabytes that do not get smaller by packing. */
function noise(megabytes: number): string {
  let state = 1;
  const next = () => (state = (state * 48_271) % 2_147_483_647);
  return Array.from({ length: megabytes * 150_000 }, () => next().toString(36).padStart(6, '0')).join('\n');
}
