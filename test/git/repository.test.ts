// Reading a repository: commits, trees, files, differences; with names that try to be options, paths or other objects.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diff, diffStat } from '../../src/git/diff.ts';
import { listCommits } from '../../src/git/history.ts';
import {
  countCommits,
  listRefs,
  listTree,
  mergeBase,
  pinCommits,
  readBlob,
  readHead,
  resolveCommit,
  resolveCommits,
  setHead,
} from '../../src/git/repository.ts';
import { runGit } from '../../src/sandbox/git-process.ts';
import { makeGitRepository, type GitStory } from '../../src/sandbox/git-story.ts';
import { failureOf, SMALL } from './server.ts';

let place = '';

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'gatehouse-git-'));
});

afterEach(() => rm(place, { recursive: true, force: true }));

async function make(story: GitStory = SMALL) {
  const dir = join(place, 'made.git');
  const { commits } = await makeGitRepository(dir, story);
  const hashOf = (key: string): string => commits.get(key) ?? '';
  return { dir, hashOf };
}

/** Writes an object as it is, however broken. */
async function writeObject(dir: string, type: string, content: string | Buffer): Promise<string> {
  const args = ['-C', dir, 'hash-object', '-t', type, '--literally', '-w', '--stdin'];
  return (await runGit(args, Buffer.from(content))).toString().trim();
}

test('commits are listed newest first, bounded by what they are compared with, in pages', async () => {
  const { dir, hashOf } = await make();
  const commits = await listCommits(dir, { to: 'refs/heads/main' }, { limit: 10 });
  expect(commits.map(({ sha, message }) => [sha, message])).toEqual([
    [hashOf('second'), 'Second'],
    [hashOf('first'), 'First\n\nWith a body.'],
  ]);
  expect(commits[0]).toMatchObject({
    parents: [hashOf('first')],
    author: { name: 'Sandbox', email: 'sandbox@example.test', at: Date.parse('2026-01-01T00:02:00Z') },
  });
  const only = await listCommits(dir, { to: hashOf('side'), without: 'refs/heads/main' }, { limit: 10 });
  expect(only.map(({ sha }) => sha)).toEqual([hashOf('side')]);
  const second = await listCommits(dir, { to: 'refs/heads/main' }, { limit: 1, skip: 1 });
  expect(second.map(({ sha }) => sha)).toEqual([hashOf('first')]);
  expect(await countCommits(dir)).toBe(3);
});

test('files and folders are read by commit and path; a link is its text; what is too large has no content (IM-014)', async () => {
  const { dir, hashOf } = await make({
    commits: [
      {
        key: 'one',
        message: 'x',
        files: {
          'README.md': 'hello',
          'docs/über "us".txt': 'x',
          passwd: { symlink: '/etc/passwd' },
          loop: { symlink: 'loop' },
          module: { submodule: '1'.repeat(40) },
        },
      },
    ],
    branches: { main: 'one' },
  });
  const readAt = (path: string, max = 1000) => readBlob(dir, 'refs/heads/main', path, max);
  expect(await readAt('README.md')).toEqual({ size: 5, content: Buffer.from('hello') });
  expect(await readAt('README.md', 4)).toEqual({ size: 5, content: undefined });
  expect((await readAt('passwd'))?.content?.toString()).toBe('/etc/passwd');
  for (const path of [
    '',
    'docs',
    'nothing',
    '../made.git/config',
    '/etc/passwd',
    'passwd/x',
    'loop/x',
    'module',
    'a\0b',
  ]) {
    expect(await readAt(path)).toBeUndefined();
  }
  expect(await readBlob(dir, '1'.repeat(40), 'README.md', 10)).toBeUndefined();
  expect(await listTree(dir, hashOf('one'), '')).toEqual([
    { name: 'README.md', type: 'file', sha: expect.any(String) as string, size: 5 },
    { name: 'docs', type: 'directory', sha: expect.any(String) as string, size: undefined },
    { name: 'loop', type: 'link', sha: expect.any(String) as string, size: 4 },
    { name: 'module', type: 'submodule', sha: '1'.repeat(40), size: undefined },
    { name: 'passwd', type: 'link', sha: expect.any(String) as string, size: 11 },
  ]);
  expect((await listTree(dir, hashOf('one'), 'docs'))?.map(({ name }) => name)).toEqual(['über "us".txt']);
  expect(await listTree(dir, hashOf('one'), 'README.md')).toBeUndefined();
});

test('what differs is told as a patch and as numbers, with renames and binary files', async () => {
  const text = Array.from({ length: 30 }, (_, line) => `line ${line}\n`).join('');
  const { dir, hashOf } = await make({
    commits: [
      { key: 'one', message: 'x', files: { 'old name.txt': text, 'b.bin': Buffer.from([0, 1, 2]), 'gone.txt': 'x\n' } },
      {
        key: 'two',
        message: 'y',
        files: {
          'old name.txt': null,
          'new\tname.txt': `${text}more\n`,
          'b.bin': Buffer.from([0, 3]),
          'gone.txt': null,
          'in.txt': 'y\n',
        },
      },
    ],
    branches: { main: 'two' },
  });
  expect(await diffStat(dir, hashOf('one'), hashOf('two'))).toEqual([
    { path: 'b.bin', oldPath: undefined, status: 'modified', added: undefined, removed: undefined },
    { path: 'gone.txt', oldPath: undefined, status: 'removed', added: 0, removed: 1 },
    { path: 'in.txt', oldPath: undefined, status: 'added', added: 1, removed: 0 },
    { path: 'new\tname.txt', oldPath: 'old name.txt', status: 'renamed', added: 1, removed: 0 },
  ]);
  const whole = await diff(dir, hashOf('one'), hashOf('two'), { maxBytes: 10_000 });
  expect(whole.isCut).toBe(false);
  expect(whole.text).toContain('rename from old name.txt');
  expect(whole.text).toContain('+more\n');
  expect(await diff(dir, hashOf('one'), hashOf('two'), { maxBytes: 40 })).toEqual({
    text: whole.text.slice(0, 40),
    isCut: true,
  });
  expect(await mergeBase(dir, hashOf('one'), hashOf('two'))).toBe(hashOf('one'));
});

test('two histories have no common ancestor', async () => {
  const { dir, hashOf } = await make({
    commits: [
      { key: 'one', message: 'x' },
      { key: 'two', parents: [], message: 'y' },
    ],
    branches: { main: 'one', other: 'two' },
  });
  expect(await mergeBase(dir, hashOf('one'), hashOf('two'))).toBeUndefined();
});

test('short hashes are found among commits only, also where a branch bears the same name (IM-015)', async () => {
  const { dir, hashOf } = await make();
  const short = hashOf('declined').slice(0, 12);
  const tree = (await runGit(['-C', dir, 'rev-parse', `${hashOf('first')}^{tree}`])).toString().trim();
  // A branch with the name of another commit's short hash, and one with a whole hash as its name.
  await pinCommits(dir, [
    { name: `refs/heads/${short}`, sha: hashOf('side') },
    { name: `refs/heads/${hashOf('first')}`, sha: hashOf('side') },
  ]);
  const asked = [short, hashOf('first'), tree.slice(0, 12), 'ffffffffffff', 'HEAD', '', '-x', 'ABCDEF'];
  expect(await resolveCommits(dir, asked)).toEqual(
    new Map([
      [short, hashOf('declined')],
      [hashOf('first'), hashOf('first')],
    ]),
  );
  expect(await resolveCommit(dir, 'ffff')).toBeUndefined();
});

test('names from outside are never options, ranges or other objects (IM-015)', async () => {
  const { dir, hashOf } = await make();
  await pinCommits(dir, [
    { name: 'refs/heads/-x', sha: hashOf('side') },
    { name: 'refs/heads/HEAD', sha: hashOf('side') },
    { name: 'refs/heads/--upload-pack=touch', sha: hashOf('side') },
  ]);
  expect(await listCommits(dir, { to: 'refs/heads/-x' }, { limit: 1 })).toMatchObject([{ sha: hashOf('side') }]);
  await setHead(dir, '-x');
  const bad = [
    '-x',
    '--output=/tmp/x',
    'main',
    'refs/heads/a..refs/heads/b',
    'refs/heads/main~1',
    'refs/heads/main@{1}',
    ':/x',
    '',
  ];
  for (const rev of bad) {
    expect(await failureOf(listCommits(dir, { to: rev }, { limit: 1 }))).toMatchObject({ reason: 'failed' });
    expect(await failureOf(diff(dir, rev, hashOf('first'), { maxBytes: 10 }))).toMatchObject({ reason: 'failed' });
    expect(await failureOf(readBlob(dir, rev, 'README.md', 10))).toMatchObject({ reason: 'failed' });
  }
  const branches = [
    'a b',
    'a..b',
    '../x',
    'x.lock',
    '',
    'a\nb',
    'a//b',
    'a/',
    'a^',
    'a?',
    'a[',
    'a\u007f',
    'a\\b',
    'a@{1}',
  ];
  for (const branch of [...branches, '--exec=touch /tmp/x', '../../../hooks/post-update']) {
    expect(await failureOf(setHead(dir, branch))).toMatchObject({ reason: 'failed' });
  }
  for (const branch of ['@', 'feature/x-1', '0123456789abcdef0123456789abcdef01234567', '--help']) {
    await setHead(dir, branch);
    expect(await readHead(dir)).toBe(`refs/heads/${branch}`);
  }
  expect((await listRefs(dir)).map(({ name }) => name)).toContain('refs/heads/--upload-pack=touch');
});

test('names, dates and messages of commits are bounded, whatever they hold (IM-016)', async () => {
  const { dir } = await make();
  const tree = await writeObject(dir, 'tree', '');
  const long = 'x'.repeat(10_000);
  const people = [
    [`${long} <${long}@example.test> 253402300800 +0000`, 253_402_300_799_000],
    ['"><script>alert(1)</script> <a@b> -86400 +0000', 0],
    ['Nobody <> not-a-date +9999', 0],
    ['\x1b[31mred\x07 <red@example.test> 99999999999999999999 +0000', 253_402_300_799_000],
  ] as const;
  for (const [person, at] of people) {
    const text = `tree ${tree}\nauthor ${person}\ncommitter ${person}\n\n${'m'.repeat(100_000)}`;
    const sha = await writeObject(dir, 'commit', text);
    const [commit] = await listCommits(dir, { to: sha }, { limit: 1 });
    expect(commit?.message.length).toBe(64 * 1024);
    expect(commit?.author.name.length).toBeLessThanOrEqual(255);
    expect(commit?.author.email.length).toBeLessThanOrEqual(255);
    expect(commit?.author.at).toBeGreaterThanOrEqual(0);
    expect(commit?.author.at).toBeLessThanOrEqual(at === 0 ? 253_402_300_799_000 : at);
  }
});

test('a replacement that came with the repository does not put another commit in the place of one', async () => {
  const { dir, hashOf } = await make();
  await pinCommits(dir, [{ name: `refs/replace/${hashOf('second')}`, sha: hashOf('declined') }]);
  expect(await listCommits(dir, { to: hashOf('second') }, { limit: 1 })).toMatchObject([{ message: 'Second' }]);
});

test('drivers and settings that a repository brings are not run (IM-013)', async () => {
  const marker = join(place, 'marker');
  const { dir, hashOf } = await make({
    commits: [
      { key: 'one', message: 'x', files: { '.gitattributes': '* diff=evil filter=evil\n', 'a.txt': 'a\n' } },
      { key: 'two', message: 'y', files: { 'a.txt': 'b\n' } },
    ],
    branches: { main: 'two' },
  });
  for (const key of ['diff.evil.textconv', 'diff.evil.command', 'filter.evil.smudge', 'core.fsmonitor', 'core.pager']) {
    await runGit(['-C', dir, 'config', key, `touch ${marker}`]);
  }
  await runGit(['-C', dir, 'config', 'attr.tree', 'main']);
  await mkdir(join(dir, 'info'), { recursive: true });
  await writeFile(join(dir, 'info', 'attributes'), '* diff=evil filter=evil\n');
  expect((await diff(dir, hashOf('one'), hashOf('two'), { maxBytes: 1000 })).text).toContain('+b');
  await readBlob(dir, hashOf('one'), 'a.txt', 10);
  await expect(runGit(['hash-object', marker])).rejects.toThrow();
});
