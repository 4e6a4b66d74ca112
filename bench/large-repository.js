// A stand-in for Bitbucket with a repository as grown ones are: thousands of commits by several people, text that changes a
// few lines at a time, pictures that never do, packed as a server packs. Says where it is, and runs until it is ended.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { numbersFrom } from '../dist/sandbox/faults.js';
import { makeGitRepository } from '../dist/sandbox/git-story.js';
import { makeRepository } from '../dist/sandbox/repositories.js';
import { startSandbox } from '../dist/sandbox/sandbox.js';

const FOLDERS = 60;
const FILES = 1500;
const LINES = 200;
const PICTURES = 300;
const PICTURE_BYTES = 100_000;
const PEOPLE = ['Ada', 'Grace', 'Linus', 'Margaret'].map((name) => ({ name, email: `${name}@example.test` }));
const BRANCH_EVERY = 100;

const SOURCE = 'acme/large';
const [commits] = process.argv.slice(2);

const sandbox = await startSandbox({
  consumers: [
    { key: 'bench-key', secret: 'bench-secret', callbackUrl: 'http://127.0.0.1', permissions: ['repository'] },
  ],
  repositories: [makeLarge],
});
process.on('disconnect', () => void sandbox.close());
const credential = { username: 'x-token-auth', password: sandbox.accessToken('alice') };
process.send({ url: `${sandbox.url}${SOURCE}.git`, credential });

async function makeLarge(folder) {
  const [workspace, slug] = SOURCE.split('/');
  const dir = join(folder, `${slug}.git`);
  await makeGitRepository(dir, tell(Number(commits)));
  run(['--git-dir', dir, 'repack', '-a', '-d', '-f', '--quiet']);
  run(['--git-dir', dir, 'pack-refs', '--all']);
  return [makeRepository({ workspace, slug, dir })];
}

function tell(count) {
  const random = numbersFrom(1);
  const below = (limit) => Math.floor(random() * limit);
  const line = () => Array.from({ length: 1 + below(9) }, () => below(46_656).toString(36)).join(' ');
  const files = Array.from({ length: FILES }, () => Array.from({ length: 1 + below(2 * LINES) }, line));
  const change = (index) => {
    for (let times = 1 + below(5); times > 0; times -= 1) files[index][below(files[index].length)] = line();
    return textFile(index, files[index]);
  };
  const pictures = Array.from({ length: PICTURES }, (_, index) => [
    `pictures/${index}.png`,
    globalThis.Buffer.from(Array.from({ length: 1 + below(2 * PICTURE_BYTES) }, () => below(256))),
  ]);
  const first = Object.fromEntries([...files.map((lines, index) => textFile(index, lines)), ...pictures]);
  const others = Array.from({ length: count - 1 }, (_, index) => ({
    key: `commit-${index + 1}`,
    message: `${line()}\n\n${line()}\n`,
    author: PEOPLE[below(PEOPLE.length)],
    files: Object.fromEntries(Array.from({ length: 1 + below(4) }, () => change(below(FILES)))),
  }));
  const commits = [{ key: 'commit-0', message: 'Start\n', files: first }, ...others];
  const marked = commits.filter((_, index) => index % BRANCH_EVERY === 0).map(({ key }) => key);
  return {
    commits,
    branches: { main: commits.at(-1).key, ...Object.fromEntries(marked.map((key) => [`topic/${key}`, key])) },
    tags: Object.fromEntries(marked.map((commit) => [`v-${commit}`, { commit, message: 'Release\n' }])),
  };
}

function textFile(index, lines) {
  return [`src/part-${index % FOLDERS}/file-${index}.txt`, `${lines.join('\n')}\n`];
}

function run(args) {
  const { status } = spawnSync('git', args, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`git ${args.at(2)} failed`);
}
