// The git side of the odd repository: strange names, links, LFS pointers of every kind, commits that no ref reaches.
import { join } from 'node:path';
import { lfsPointer, makeGitRepository, type GitStory, type StoryCommit, type StoryPerson } from './git-story.ts';

const ALICE: StoryPerson = { name: 'Alice Example', email: 'alice@example.test' };
const NO_ADDRESS: StoryPerson = { name: 'Eve "$(touch /tmp/x)" &lt;b&gt; \u202egnp', email: '' };

const LINES = Array.from({ length: 40 }, (_, index) => `line ${index + 1}`);
const withLine = (line: number, text: string): string =>
  LINES.map((old, at) => (at + 1 === line ? text : old)).join('\n') + '\n';

const README = [
  '# Odd parts <script>alert("readme")</script>',
  '',
  'Windows line ends here\r',
  '',
  '![an image beside this file](pictures/dot.png) and [a link](javascript:alert(1))',
  '',
].join('\n');

/** SHA-256 of an object that the storage has lost. */
const LOST_OID = 'f'.repeat(64);

const FIRST: StoryCommit = {
  key: 'first',
  message: 'First parts\n\nWith a body, and <b>markup</b> in it\n',
  author: ALICE,
  date: '2024-01-15T10:00:00Z',
  files: {
    'README.md': README,
    'list.txt': LINES.join('\n') + '\n',
    'ünï cödé/"quoted" file.txt': 'umlauts and quotes in the path\n',
    'new\nline.txt': 'a line break in the path\n',
    passwd: { symlink: '/etc/passwd' },
    upwards: { symlink: '../../../../etc/hostname' },
    '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n* filter=evil\n',
    '.lfsconfig': '[lfs]\n\turl = https://evil.example.test/lfs\n',
    '.gitmodules': '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c "touch /tmp/x"\n',
    'parts.bin': { lfs: 'the content of a large file\n'.repeat(100) },
    'same.bin': { lfs: 'the content of a large file\n'.repeat(100) },
    'empty.bin': { lfs: '' },
    'lost.bin': lfsPointer(LOST_OID, 4711),
    'upper.bin': lfsPointer(LOST_OID, 5).replace(LOST_OID, 'A'.repeat(64)),
    'climbing.bin': lfsPointer(LOST_OID, 5).replace(LOST_OID, '../../../etc/passwd'),
    'pictures/dot.png': Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
      'base64',
    ),
  },
};

const COMMITS: StoryCommit[] = [
  FIRST,
  topic('merged', 'first', 3, 'Part three is merged'),
  { ...topic('merge-1', 'first', 3, 'Part three is merged'), parents: ['first', 'merged'] },
  topic('forwarded', 'merge-1', 5, 'Part five is forwarded'),
  topic('squashed-a', 'forwarded', 7, 'Part seven, first try'),
  topic('squashed-b', 'squashed-a', 7, 'Part seven, second try'),
  topic('squash', 'forwarded', 7, 'Part seven, in one'),
  topic('force-1', 'squash', 9, 'Part nine, before the force push'),
  topic('force-2', 'squash', 9, 'Part nine, after the force push'),
  topic('of-gone-fork', 'first', 11, 'Part eleven, from a fork that was deleted'),
  topic('superseded', 'squash', 13, 'Part thirteen'),
  topic('talk-1', 'squash', 15, 'Part fifteen'),
  topic('talk-2', 'talk-1', 17, 'Part fifteen, reworked'),
  topic('draft', 'squash', 19, 'Part nineteen'),
  topic('strange', 'squash', 21, 'Part twenty-one'),
  {
    key: 'nobody',
    parents: ['squash'],
    message: '',
    author: NO_ADDRESS,
    date: '1970-01-01T00:00:01Z',
    files: { 'x.txt': 'x' },
  },
];

const STORY: GitStory = {
  commits: COMMITS,
  branches: {
    trunk: 'squash',
    'feature/"quoted"&<b>ünï</b>': 'strange',
    '-x': 'nobody',
    '0123456789abcdef0123456789abcdef01234567': 'first',
    talk: 'talk-2',
    draft: 'draft',
    superseded: 'superseded',
  },
  tags: {
    'v1.0': { commit: 'merge-1', message: 'One point nought\n\n<script>alert("tag")</script>\n' },
    light: 'first',
    'ta/g/ü': 'forwarded',
  },
  head: 'trunk',
};

/** What only the forks have. */
const FORK_COMMITS: StoryCommit[] = [FIRST, topic('forked', 'first', 23, 'Part twenty-three, from a fork')];
const HIDDEN_FORK_COMMITS: StoryCommit[] = [
  FIRST,
  topic('hidden', 'first', 25, 'Part twenty-five, from a hidden fork'),
];

export interface OddGit {
  odd: { dir: string; lfs: Map<string, Buffer> };
  fork: { dir: string };
  hiddenFork: { dir: string };
  /** Full hash by key, of all three. */
  commit: (key: string) => string;
}

export async function makeOddGit(folder: string): Promise<OddGit> {
  const dirs = ['odd-parts.git', 'fork.git', 'hidden-fork.git'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const made = await Promise.all([
    makeGitRepository(dirs[0], STORY),
    makeGitRepository(dirs[1], {
      commits: FORK_COMMITS,
      branches: { trunk: 'first', 'from-fork': 'forked' },
      head: 'trunk',
    }),
    makeGitRepository(dirs[2], {
      commits: HIDDEN_FORK_COMMITS,
      branches: { 'from-hidden': 'hidden' },
      head: 'from-hidden',
    }),
  ]);
  return {
    odd: { dir: dirs[0], lfs: made[0].lfs },
    fork: { dir: dirs[1] },
    hiddenFork: { dir: dirs[2] },
    commit: (key) => made.map(({ commits }) => commits.get(key)).find((hash) => hash !== undefined) ?? missing(key),
  };
}

function topic(key: string, parent: string, line: number, text: string): StoryCommit {
  return { key, parents: [parent], message: `${text}\n`, author: ALICE, files: { 'list.txt': withLine(line, text) } };
}

function missing(key: string): never {
  throw new Error(`No commit is called ${key}`);
}
