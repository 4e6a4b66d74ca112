// Bare git repositories made quickly from a description: commits, branches, tags, LFS pointers, and commits that no ref
// reaches any more, as those of declined and squashed pull requests are at Bitbucket.
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { runGit } from './git-process.ts';

export interface StoryCommit {
  /** How branches, tags and later commits call this one. */
  key: string;
  /** Keys of earlier commits; defaults to the commit before this one in the list. An empty list makes a root. */
  parents?: string[];
  message: string;
  /** Defaults to a person called Sandbox. Neither part may hold `<`, `>` or a line break: git refuses those. */
  author?: StoryPerson;
  /** Defaults to the author. */
  committer?: StoryPerson;
  /** ISO 8601; defaults to one minute after the commit before in the list. */
  date?: string;
  /** What changes against the first parent, by path. */
  files?: Record<string, StoryFile>;
}

export interface StoryPerson {
  name: string;
  email: string;
}

/** Content, the content of an LFS object, a link's target, a submodule's commit, or null for a file that goes away. */
export type StoryFile = string | Buffer | { lfs: string | Buffer } | { symlink: string } | { submodule: string } | null;

export interface GitStory {
  commits: StoryCommit[];
  /** Name of the branch to key of its commit. */
  branches: Record<string, string>;
  /** Name of the tag to key of a commit; with a message it is an annotated tag. */
  tags?: Record<string, string | { commit: string; message: string }>;
  /** Branch that HEAD names, whether it exists or not; defaults to `main`. */
  head?: string;
}

export interface MadeRepository {
  /** Key of each commit to its full hash. The same story gives the same hashes. */
  commits: Map<string, string>;
  /** SHA-256 of each LFS object to its content. */
  lfs: Map<string, Buffer>;
}

const NOBODY: StoryPerson = { name: 'Sandbox', email: 'sandbox@example.test' };
const FIRST_COMMIT_AT = Date.parse('2026-01-01T00:00:00Z');
/** Where commits are made; it goes away at the end, and what no branch or tag reaches stays as bare objects. */
const SCRATCH = 'refs/story';

/**
 * Makes a bare repository at `dir`, which must not exist yet.
 * @throws Error with what git said, for example about a name that it does not take.
 */
export async function makeGitRepository(dir: string, story: GitStory): Promise<MadeRepository> {
  await mkdir(dir, { recursive: true });
  await runGit(['init', '--quiet', '--bare', '--template=', `--initial-branch=${story.head ?? 'main'}`, dir]);
  // Commits that no ref reaches must last as long as the sandbox.
  await runGit(['-C', dir, 'config', 'gc.auto', '0']);
  const marks = new Map(story.commits.map((commit, index) => [commit.key, index + 1]));
  const lfs = new Map<string, Buffer>();
  if (story.commits.length === 0) return { commits: new Map(), lfs };
  const input = Buffer.concat(tellStory(story, marks, lfs));
  const told = await runGit(['-C', dir, 'fast-import', '--quiet', '--force', '--done', '--date-format=raw'], input);
  await runGit(['-C', dir, 'update-ref', '-d', SCRATCH]);
  const hashes = told.toString().trim().split('\n');
  return { commits: new Map(story.commits.map((commit, index) => [commit.key, hashes[index] ?? ''])), lfs };
}

/** The pointer file that stands for an LFS object in git. @see https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
export function lfsPointer(oid: string, size: number): string {
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${size}\n`;
}

/** A stream for `git fast-import` that ends with the hashes of all commits, a line each. */
function tellStory(story: GitStory, marks: Map<string, number>, lfs: Map<string, Buffer>): Buffer[] {
  const parts: Buffer[] = [];
  const say = (text: string): void => void parts.push(Buffer.from(text));
  const sayData = (data: Buffer): void =>
    void parts.push(Buffer.from(`data ${data.length}\n`), data, Buffer.from('\n'));
  const markOf = (key: string): string => {
    const mark = marks.get(key);
    if (mark === undefined) throw new Error(`The story has no commit "${key}"`);
    return `:${mark}`;
  };
  let at = FIRST_COMMIT_AT;
  story.commits.forEach((commit, index) => {
    at = commit.date === undefined ? at + 60_000 : Date.parse(commit.date);
    const parents = commit.parents ?? (index > 0 ? [story.commits[index - 1]!.key] : []);
    const author = commit.author ?? NOBODY;
    // Each starts from nothing, so that only the parents named here are its parents.
    say(`reset ${SCRATCH}\n\ncommit ${SCRATCH}\nmark :${index + 1}\n`);
    say(`author ${signature(author, at)}\ncommitter ${signature(commit.committer ?? author, at)}\n`);
    sayData(Buffer.from(commit.message));
    parents.forEach((parent, position) => say(`${position === 0 ? 'from' : 'merge'} ${markOf(parent)}\n`));
    for (const [path, file] of Object.entries(commit.files ?? {})) tellFile({ path, file, say, sayData, lfs });
    say('\n');
  });
  for (const [name, key] of Object.entries(story.branches)) say(`reset refs/heads/${name}\nfrom ${markOf(key)}\n\n`);
  for (const [name, tag] of Object.entries(story.tags ?? {})) {
    if (typeof tag === 'string') {
      say(`reset refs/tags/${name}\nfrom ${markOf(tag)}\n\n`);
    } else {
      say(`tag ${name}\nfrom ${markOf(tag.commit)}\ntagger ${signature(NOBODY, at)}\n`);
      sayData(Buffer.from(tag.message));
    }
  }
  story.commits.forEach((_commit, index) => say(`get-mark :${index + 1}\n`));
  say('done\n');
  return parts;
}

interface FileTelling {
  path: string;
  file: StoryFile;
  say: (text: string) => void;
  sayData: (data: Buffer) => void;
  lfs: Map<string, Buffer>;
}

function tellFile({ path, file, say, sayData, lfs }: FileTelling): void {
  const quoted = `"${path.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"`;
  if (file === null) return say(`D ${quoted}\n`);
  if (typeof file === 'object' && 'submodule' in file) return say(`M 160000 ${file.submodule} ${quoted}\n`);
  const isLink = typeof file === 'object' && 'symlink' in file;
  say(`M ${isLink ? '120000' : '100644'} inline ${quoted}\n`);
  if (typeof file === 'string') return sayData(Buffer.from(file));
  if (Buffer.isBuffer(file)) return sayData(file);
  if ('symlink' in file) return sayData(Buffer.from(file.symlink));
  const content = Buffer.from(file.lfs);
  const oid = createHash('sha256').update(content).digest('hex');
  lfs.set(oid, content);
  sayData(Buffer.from(lfsPointer(oid, content.length)));
}

function signature(person: StoryPerson, at: number): string {
  return `${person.name} <${person.email}> ${Math.floor(at / 1000)} +0000`;
}
