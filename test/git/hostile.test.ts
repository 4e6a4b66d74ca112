// Servers and repositories that mean harm. Each recorder here must stay silent, and each marker must not appear.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { allowedAddresses } from '../../src/git/addresses.ts';
import { listCommits } from '../../src/git/history.ts';
import { mirror, type MirrorOptions } from '../../src/git/mirror.ts';
import { sizeOf } from '../../src/git/quota.ts';
import { lsRemote } from '../../src/git/remote.ts';
import { listRefs, listTree, readBlob } from '../../src/git/repository.ts';
import { git } from '../../src/git/run.ts';
import type { Response } from 'express';
import { runGit } from '../../src/sandbox/git-process.ts';
import { setVariables } from '../support/environment-variables.ts';
import {
  CREDENTIAL,
  failureOf,
  LIMITS,
  SMALL,
  startGitServer,
  startRecorder,
  TOKEN,
  type GitServer,
} from './server.ts';

function optionsFor(server: GitServer, slug: string, more: Partial<MirrorOptions> = {}): MirrorOptions {
  const remote = { url: `${server.url}acme/${slug}.git`, credential: CREDENTIAL };
  return { remote, dir: join(server.dir, 'here', '1.git'), limits: LIMITS, retryAfterMs: 10, ...more };
}

async function writeObject(dir: string, type: string, content: Buffer): Promise<string> {
  const args = ['-C', dir, 'hash-object', '-t', type, '--literally', '-w', '--stdin'];
  return (await runGit(args, content)).toString().trim();
}

type Entry = [mode: '40000' | '100644' | '120000' | '160000', name: string, content: string];

/** Gives a tree with these entries as they are: a folder is empty, a submodule's content is its commit. */
async function makeTree(dir: string, entries: Entry[]): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (const [mode, name, content] of entries) {
    const type = mode === '40000' ? 'tree' : 'blob';
    const sha = mode === '160000' ? content : await writeObject(dir, type, Buffer.from(content));
    parts.push(Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, 'hex'));
  }
  return Buffer.concat(parts);
}

/** Lets `main` name a commit with this tree. */
async function serveTree(dir: string, content: Buffer): Promise<void> {
  const tree = await writeObject(dir, 'tree', content);
  const who = 'S <s@example.test> 1767225600 +0000';
  const commit = await writeObject(dir, 'commit', Buffer.from(`tree ${tree}\nauthor ${who}\ncommitter ${who}\n\nx\n`));
  await runGit(['-C', dir, 'update-ref', 'refs/heads/main', commit]);
}

test.each([
  'http://127.0.0.1:PORT',
  'http://localhost:PORT',
  'http://[::1]:PORT',
  'http://[::ffff:127.0.0.1]:PORT',
  'http://2130706433:PORT',
  'http://0x7f.1:PORT',
  'http://0:PORT',
  'http://user:secret@127.0.0.1:PORT',
])('a redirect to %s is not followed, at the first request or later (IM-002) (IM-003)', async (target) => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  const recorder = await startRecorder();
  let only: string | undefined;
  server.use((request, response, next) => {
    if (only !== undefined && request.method !== only) return next();
    response.redirect(302, `${target.replace('PORT', String(recorder.port))}${request.originalUrl}`);
  });
  for (const method of [undefined, 'POST']) {
    only = method;
    expect(await failureOf(mirror(optionsFor(server, 'small')))).toMatchObject({ name: 'GitFailure' });
    expect(await failureOf(lsRemote(optionsFor(server, 'small').remote))).toMatchObject({ name: 'GitFailure' });
  }
  expect(recorder.seen).toEqual([]);
});

test.each([
  'http://169.254.169.254/',
  'https://10.0.0.1/',
  'http://[64:ff9b::7f00:1]/',
  'file:///etc/passwd',
  'unix:/run/x',
])('a redirect to %s is an end, at once (IM-003)', async (target) => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  server.use((_request, response) => response.redirect(302, target));
  const began = performance.now();
  expect(await failureOf(mirror(optionsFor(server, 'small')))).toMatchObject({ name: 'GitFailure' });
  expect(performance.now() - began).toBeLessThan(30_000); // nobody tried to connect to where nothing answers
});

test.each([
  'http://example.test/a.git',
  'http://10.0.0.1/a.git',
  'ftp://127.0.0.1/a.git',
  'file:///etc',
  '/etc',
  'ext::sh -c touch% /tmp/x',
  'ssh://git@127.0.0.1/a.git',
  '--upload-pack=x',
  '-u./x',
  'https://user:secret@example.test/a.git',
  'https://example.test/a.git?x=y',
  'https://example.test/a.git#x',
  'https://example.test/a.git\n[core]',
  ' https://example.test/a.git',
  'https://\u001b[31mexample.test/',
  'git://example.test/a.git',
  'gopher://127.0.0.1:6379/_SET',
  '../other.git',
  'https://10.0.0.1/a.git',
  'https://192.0.0.192/',
  'https://0/',
  'https://169.254.169.254/latest/meta-data',
  'https://100.64.0.1/a.git',
  'https://0xa.1/a.git',
  'https://3232235777/a.git',
  'https://[fd00::1]/a.git',
  'https://[64:ff9b::7f00:1]/a.git',
  'https://[2002:7f00:1::]/a.git',
  'https://[::ffff:127.0.0.1]/a.git',
])('the address %s is not connected to (IM-001) (IM-003) (IM-008)', async (url) => {
  const failure = await failureOf(lsRemote({ url, credential: CREDENTIAL }));
  expect(failure).toMatchObject({ reason: 'failed' });
  expect(failure.detail).toMatch(/^(the address must be https|the host has no public address)/);
  expect(failure.detail).not.toContain('secret');
});

test('of a name with private and public addresses only the public ones count, and those are connected to (IM-004)', async () => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  const recorder = await startRecorder();
  const lookups: string[] = [];
  const lookup = (addresses: string[]) => (hostname: string) => {
    lookups.push(hostname);
    return Promise.resolve(addresses);
  };
  const mixed = ['127.0.0.1', '93.184.215.14', '10.0.0.1', '2606:2800:21f:cb07::1', '::1', '64:ff9b::7f00:1'];
  const url = new URL(`https://host.example.test:${recorder.port}/a.git`);
  expect(await allowedAddresses(url, lookup(mixed))).toEqual(['93.184.215.14', '2606:2800:21f:cb07::1']);
  const onlyPrivate = lsRemote({ url: url.href, credential: CREDENTIAL, lookup: lookup(['127.0.0.1', 'fe80::1']) });
  expect(await failureOf(onlyPrivate)).toMatchObject({ reason: 'failed', detail: 'the host has no public address' });
  expect(recorder.seen).toEqual([]);
  // The name says 127.0.0.1 to everybody else; git connects to what was looked up and checked, and nothing listens there.
  const local = { url: `${server.url}acme/small.git`.replace('127.0.0.1', 'localhost'), credential: CREDENTIAL };
  expect(await failureOf(lsRemote({ ...local, lookup: lookup(['127.9.9.9']) }))).toMatchObject({ reason: 'network' });
  expect(server.requests).toEqual([]);
  expect((await lsRemote({ ...local, lookup: lookup(['127.0.0.1']) })).refs).toHaveLength(4);
  expect(lookups).toHaveLength(4);
});

test('what runs has the settings that keep a repository from acting (IM-006)', async () => {
  const server = await startGitServer();
  const { dir } = await server.add('small', SMALL);
  const settings = (await git(['config', '--list'], { dir })).stdout.toString();
  for (const setting of [
    'protocol.allow=never',
    'core.hookspath=/dev/null',
    'core.fsmonitor=false',
    'transfer.fsckobjects=true',
    'transfer.bundleuri=false',
    'http.followredirects=false',
    'submodule.recurse=false',
    'credential.helper=',
  ]) {
    expect(`\n${settings}`).toContain(`\n${setting}\n`);
  }
});

test('settings, templates and hooks of the user who runs the server do nothing (IM-013)', async () => {
  const server = await startGitServer();
  const { dir: served, commits } = await server.add('small', SMALL);
  const marker = join(server.dir, 'marker');
  const home = join(server.dir, 'home');
  const hook = `#!/bin/sh\ntouch ${marker}\n`;
  for (const path of [
    'template/hooks/post-checkout',
    'template/hooks/reference-transaction',
    'hooks/reference-transaction',
  ]) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), hook, { mode: 0o755 });
  }
  const settings = { templateDir: `${home}/template`, hooksPath: `${home}/hooks`, sshCommand: `touch ${marker}` };
  const config = `[init]\ntemplateDir=${settings.templateDir}\n[core]\nhooksPath=${settings.hooksPath}\nsshCommand=${settings.sshCommand}\n`;
  await writeFile(join(home, '.gitconfig'), config);
  execFileSync(join(home, 'hooks/reference-transaction')); // where scripts do not run at all, none would prove anything
  expect(existsSync(marker)).toBe(true);
  await rm(marker);
  const putBack = setVariables({
    HOME: home,
    GIT_TEMPLATE_DIR: settings.templateDir,
    GIT_TRACE: join(server.dir, 'trace'),
  });
  try {
    const options = optionsFor(server, 'small');
    await mirror(options);
    // A configuration and hooks that get into the repository itself do nothing either.
    await mkdir(join(options.dir, 'hooks'));
    await writeFile(join(options.dir, 'hooks', 'reference-transaction'), hook, { mode: 0o755 });
    await runGit(['-C', served, 'update-ref', 'refs/heads/main', commits.get('side') ?? '']);
    await mirror(options);
  } finally {
    putBack();
  }
  expect(existsSync(marker)).toBe(false);
  expect(existsSync(join(server.dir, 'trace'))).toBe(false);
});

test('bundles that a server offers elsewhere are not fetched (IM-007)', async () => {
  const server = await startGitServer();
  const { dir } = await server.add('small', SMALL);
  const recorder = await startRecorder();
  const settings = {
    'uploadpack.advertiseBundleURIs': 'true',
    'bundle.version': '1',
    'bundle.mode': 'any',
    'bundle.one.uri': `${recorder.url}one.bundle`,
  };
  for (const [key, value] of Object.entries(settings)) await runGit(['-C', dir, 'config', key, value]);
  await mirror(optionsFor(server, 'small'));
  expect(recorder.seen).toEqual([]);
});

test.each([
  ['ext::sh -c "touch MARKER"'],
  ['file:///etc'],
  ['--upload-pack=touch MARKER'],
  ['-u./x'],
  ['https://example.test/a\nb'],
  ['../../x'],
  ['http://RECORDER/a.git'],
])('a submodule at %j is fetched from nowhere and runs nothing (IM-008) (IM-010)', async (url) => {
  const server = await startGitServer();
  const recorder = await startRecorder();
  const marker = join(server.dir, 'marker');
  const target = url.replace('MARKER', marker).replace('RECORDER', `127.0.0.1:${recorder.port}`);
  const modules = `[submodule "a\r"]\n\tpath = "sub\r"\n\turl = "${target.replace(/["\\]/g, '\\$&').replace('\n', '\\n')}"\n`;
  await server.add('modules', {
    commits: [{ key: 'one', message: 'x', files: { '.gitmodules': modules, 'sub\r': { submodule: '1'.repeat(40) } } }],
    branches: { main: 'one' },
  });
  const options = optionsFor(server, 'modules');
  const outcome = await mirror(options).then(
    () => 'kept',
    (error: { reason: string }) => error.reason,
  );
  // git itself refuses the worst of them; the others are text like any other.
  expect(['kept', 'fsck']).toContain(outcome);
  if (outcome === 'kept') {
    expect((await readBlob(options.dir, 'refs/heads/main', '.gitmodules', 1000))?.content?.toString()).toBe(modules);
    expect((await listTree(options.dir, 'refs/heads/main', ''))?.map(({ type }) => type)).toEqual([
      'file',
      'submodule',
    ]);
  }
  expect(existsSync(marker)).toBe(false);
  expect(recorder.seen).toEqual([]);
});

test('paths that collide with a link to .git where case does not count are not checked out (IM-009)', async () => {
  const server = await startGitServer();
  const { dir: served } = await server.add('case', SMALL);
  const tree = await makeTree(served, [
    ['160000', 'A', '1'.repeat(40)],
    ['120000', 'a', '.git'],
  ]);
  await serveTree(served, tree);
  const options = optionsFor(server, 'case');
  await mirror(options);
  expect((await readdir(options.dir)).sort()).toEqual(
    expect.arrayContaining(['HEAD', 'config', 'objects', 'packed-refs', 'refs']),
  );
  expect(await readdir(options.dir)).not.toContain('modules');
  expect((await listTree(options.dir, 'refs/heads/main', ''))?.map(({ type }) => type)).toEqual(['submodule', 'link']);
});

test.each([
  ['.git', '.git'],
  ['.GIT', '.GIT'],
  ['git~1', 'git~1'],
  ['.git with a character that some file systems ignore', '.g\u200cit'],
  ['..', '..'],
  ['.', '.'],
  ['an absolute path', '/abs'],
])(
  'a tree with an entry named %s is refused every time, and nothing of it stays (IM-011) (IM-012)',
  async (_what, name) => {
    const server = await startGitServer();
    const { dir: served } = await server.add('evil', SMALL);
    await serveTree(served, await makeTree(served, [['40000', name, '']]));
    const options = optionsFor(server, 'evil');
    for (let times = 0; times < 2; times += 1) {
      const failure = await failureOf(mirror(options));
      expect(failure).toMatchObject({ reason: 'fsck' });
      expect(failure.detail).toMatch(/fsck error|object [0-9a-f]{40}/);
      expect(await readdir(dirname(options.dir))).toEqual([]);
    }
  },
);

/** Lets `main` name a commit with these lines about its author and committer. */
async function servePeople(dir: string, lines: string): Promise<void> {
  const tree = await writeObject(dir, 'tree', await makeTree(dir, [['120000', 'a', 'b']]));
  const commit = await writeObject(dir, 'commit', Buffer.from(`tree ${tree}\n${lines}\n\nOld\n`));
  await runGit(['-C', dir, 'update-ref', 'refs/heads/main', commit]);
}

const WHO = 'S <s@example.test> 1767225600 +0000';

test.each([
  ['badTimezone', 'S <s@example.test> 1767225600 +1', 'S'],
  ['missingSpaceBeforeDate', 'S <s@example.test>1767225600 +0000', 'S'],
  ['badDate', 'S <s@example.test> yesterday +0000', 'S'],
  ['badDateOverflow', 'S <s@example.test> 99999999999999999999 +0000', 'S'],
  ['zeroPaddedDate', 'S <s@example.test> 01767225600 +0000', 'S'],
  ['badName', 'S> <s@example.test> 1767225600 +0000', 'S>'],
  ['badEmail', 'S <s@<example.test> 1767225600 +0000', 'S'],
  ['missingEmail', 'S 1767225600 +0000', ''],
  ['missingNameBeforeEmail', '<s@example.test> 1767225600 +0000', ''],
  ['missingSpaceBeforeEmail', 'S<s@example.test> 1767225600 +0000', 'S'],
  ['multipleAuthors', `${WHO}\nauthor ${WHO}`, 'S'],
])(
  'a commit with the mistake %s of an old tool is let in, and shown as well as it can be (IM-016)',
  async (id, author, name) => {
    const server = await startGitServer();
    const { dir: served } = await server.add('old', SMALL);
    await servePeople(served, `author ${author}\ncommitter ${WHO}`);
    // The mistake is the one that the name says.
    const complaint = await runGit(['-C', served, 'fsck', '--no-dangling']).then(
      String,
      (error: Error) => error.message,
    );
    expect(complaint).toContain(id);
    const options = optionsFor(server, 'old');
    await mirror(options);
    const [commit] = await listCommits(options.dir, { to: 'refs/heads/main' }, { limit: 1 });
    expect(commit).toMatchObject({ message: 'Old', committer: { name: 'S', at: 1767225600_000 } });
    expect(commit?.author.name).toContain(name);
    expect(commit?.author.at).toBeLessThanOrEqual(Date.UTC(9999, 11, 31, 23, 59, 59));
  },
);

test('a tree whose modes begin with a zero is let in', async () => {
  const server = await startGitServer();
  const { dir: served } = await server.add('old', SMALL);
  await serveTree(served, Buffer.concat([Buffer.from('0'), await makeTree(served, [['40000', 'folder', '']])]));
  const options = optionsFor(server, 'old');
  await mirror(options);
  expect((await listTree(options.dir, 'refs/heads/main', ''))?.map(({ type }) => type)).toEqual(['directory']);
});

test.each<[string, Entry[]]>([
  [
    'that names the same twice',
    [
      ['40000', 'a', ''],
      ['40000', 'a', ''],
    ],
  ],
  [
    'that is not in order',
    [
      ['40000', 'b', ''],
      ['40000', 'a', ''],
    ],
  ],
  ['with a submodule at no commit', [['160000', 'a', '0'.repeat(40)]]],
  ['whose .gitmodules is a link', [['120000', '.gitmodules', '/etc/passwd']]],
  [
    'whose .gitmodules names a folder outside',
    [['100644', '.gitmodules', '[submodule "../x"]\n\tpath = a\n\turl = b\n']],
  ],
])('a tree %s is refused, and nothing of it stays (IM-008) (IM-011)', async (_what, entries) => {
  const server = await startGitServer();
  const { dir: served } = await server.add('evil', SMALL);
  await serveTree(served, await makeTree(served, entries));
  const options = optionsFor(server, 'evil');
  expect(await failureOf(mirror(options))).toMatchObject({ reason: 'fsck' });
  expect(await readdir(dirname(options.dir))).toEqual([]);
});

test('refusing an update twenty times leaves the mirror as it was and no garbage in it (IM-012)', async () => {
  const server = await startGitServer();
  const { dir: served, commits } = await server.add('evil', SMALL);
  const options = optionsFor(server, 'evil');
  await mirror(options);
  const packs = await readdir(join(options.dir, 'objects', 'pack'));
  const refs = await listRefs(options.dir);
  await serveTree(served, await makeTree(served, [['40000', '.git', '']]));
  for (let times = 0; times < 20; times += 1) {
    expect(await failureOf(mirror(options))).toMatchObject({ reason: 'fsck' });
  }
  expect(await readdir(join(options.dir, 'objects', 'pack'))).toEqual(packs);
  expect(await listRefs(options.dir)).toEqual(refs);
  await runGit(['-C', served, 'update-ref', 'refs/heads/main', commits.get('side') ?? '']);
  await mirror(options);
  expect((await listRefs(options.dir)).find(({ name }) => name === 'refs/heads/main')?.sha).toBe(commits.get('side'));
});

test('branches and tags with the names of options, hashes and HEAD are kept as they are (IM-015)', async () => {
  const server = await startGitServer();
  const { dir: served, commits } = await server.add('names', SMALL);
  const names = [
    'heads/-x',
    'heads/--help',
    `heads/${'a'.repeat(40)}`,
    'heads/HEAD',
    'tags/-d',
    'tags/$(touch)',
    'heads/ü',
  ];
  for (const name of names) await runGit(['-C', served, 'update-ref', `refs/${name}`, commits.get('side') ?? '']);
  const options = optionsFor(server, 'names');
  await mirror(options);
  await mirror(options);
  const refs = await listRefs(options.dir);
  expect(refs.map(({ name }) => name)).toEqual(expect.arrayContaining(names.map((name) => `refs/${name}`)));
  expect(refs).toEqual((await lsRemote(options.remote)).refs);
});

/** Lets the server say this in the place of a pack, in protocol 2, after it has listed its refs as it should. */
function answerFetches(server: GitServer, answer: (response: Response) => void): void {
  let posts = 0;
  server.use((request, response, next) => {
    if (request.method === 'POST') posts += 1;
    // Of each attempt, the first asks for refs and the second for the pack.
    if (request.method !== 'POST' || posts % 2 === 1) return next();
    response.type('application/x-git-upload-pack-result').write(packet('packfile\n'));
    answer(response);
  });
}

function packet(text: string | Buffer): Buffer {
  const payload = Buffer.from(text);
  return Buffer.concat([Buffer.from((payload.length + 4).toString(16).padStart(4, '0')), payload]);
}

test('what a server says is free of escapes and of our credentials, and never much (IM-017) (IM-041)', async () => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  const basic = Buffer.from(`x-token-auth:${TOKEN}`).toString('base64');
  let isAskedForRefs = true;
  server.use((_request, response, next) => {
    if (!isAskedForRefs) return next();
    const words = `ERR \x1b]0;title\x07\x1b[31mlook \u0085 here ${TOKEN} ${basic} https://user:pass@host/ ${'x'.repeat(2000)}`;
    response.type('application/x-git-upload-pack-advertisement');
    response.send(Buffer.concat([packet('# service=git-upload-pack\n'), Buffer.from('0000'), packet(words)]));
  });
  const failure = await failureOf(mirror(optionsFor(server, 'small')));
  expect(failure.detail).toContain('look');

  expect(failure.detail).not.toMatch(new RegExp(`[\\x00-\\x1f\\x7f-\\x9f]|${TOKEN}|${basic}|pass`));
  expect(failure.detail.length).toBeLessThanOrEqual(500);
  isAskedForRefs = false;
  const line = packet(`\x02${'\x1b[2Jprogress '.repeat(80)}\r`);
  const many = Buffer.concat(Array.from({ length: 1000 }, () => line));
  answerFetches(server, (response) => {
    for (let times = 0; times < 20; times += 1) response.write(many);
    response.end();
  });
  const noisy = await failureOf(mirror(optionsFor(server, 'small')));
  expect(noisy.reason).toBe('network');
  expect(noisy.detail.length).toBeLessThanOrEqual(500);
  // eslint-disable-next-line no-control-regex
  expect(noisy.detail).not.toMatch(/[\x00-\x1f]/);
});

test.each([
  ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.indexOf('PACK') + 60)],
  [
    'changed in the middle',
    (bytes: Buffer) => Buffer.from(bytes.fill('A', bytes.indexOf('PACK') + 30, bytes.indexOf('PACK') + 60)),
  ],
])('a pack that is %s fails in bounded time and nothing of it is published (IR-032)', async (_how, change) => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  server.use((request, response, next) => {
    if (request.method !== 'POST') return next();
    const chunks: Buffer[] = [];
    const { end } = response;
    response.write = (chunk: Buffer) => chunks.push(Buffer.from(chunk)) > 0;
    response.end = () => {
      const whole = Buffer.concat(chunks);
      return end.call(response, whole.includes('PACK') ? change(whole) : whole, 'latin1');
    };
    next();
  });
  const options = optionsFor(server, 'small');
  const failure = await failureOf(mirror(options));
  expect(['network', 'failed']).toContain(failure.reason);
  expect(await readdir(dirname(options.dir))).toEqual([]);
});

test('a server that keeps the line open without an end is left at the deadline (IR-032)', async () => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  answerFetches(server, (response) => {
    const timer = setInterval(() => response.write('0005\x02'), 20);
    response.on('close', () => clearInterval(timer));
  });
  const options = optionsFor(server, 'small', { limits: { ...LIMITS, timeoutMs: 1500 } });
  expect(await failureOf(mirror(options))).toMatchObject({ reason: 'timeout' });
  expect(await readdir(dirname(options.dir))).toEqual([]);
});

test('a pack without a file that its commit needs is not published (IR-032)', async () => {
  const server = await startGitServer();
  const { dir: served } = await server.add('small', { ...SMALL, branches: { main: 'first' }, tags: {} });
  const listed = (await runGit(['-C', served, 'rev-list', '--objects', 'main'])).toString().trim().split('\n');
  const names = listed.filter((line) => !line.endsWith('README.md')).map((line) => line.slice(0, 40));
  const pack = await runGit(['-C', served, 'pack-objects', '--quiet', '--stdout'], names.join('\n'));
  answerFetches(server, (response) => {
    response.end(Buffer.concat([packet(Buffer.concat([Buffer.from([1]), pack])), Buffer.from('0000')]));
  });
  const options = optionsFor(server, 'small');
  expect(await failureOf(mirror(options))).toMatchObject({
    reason: 'failed',
    detail: expect.stringMatching(/did not receive|missing|necessary/) as string,
  });
  expect(await readdir(dirname(options.dir))).toEqual([]);
});

test('a file that is packed to a thousandth of its size stays so, and is not read into memory to be looked at (IM-018)', async () => {
  const server = await startGitServer();
  const { dir: served } = await server.add('bomb', SMALL);
  const bytes = 96 * 1024 * 1024;
  const blob = await writeObject(served, 'blob', Buffer.alloc(bytes));
  await serveTree(served, Buffer.concat([Buffer.from('100644 bomb\0'), Buffer.from(blob, 'hex')]));
  const options = optionsFor(server, 'bomb', { limits: { ...LIMITS, maxBytes: 2e6 } });
  await mirror(options);
  expect(await sizeOf(options.dir)).toBeLessThan(2e6);
  expect(await readBlob(options.dir, 'refs/heads/main', 'bomb', 1e6)).toEqual({ size: bytes, content: undefined });
});

test('a name of three hundred characters is a name (IM-011)', async () => {
  const server = await startGitServer();
  const { dir: served } = await server.add('long', SMALL);
  const name = 'x'.repeat(300);
  const blob = await writeObject(served, 'blob', Buffer.from('x'));
  await serveTree(served, Buffer.concat([Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]));
  const options = optionsFor(server, 'long');
  await mirror(options);
  expect((await listTree(options.dir, 'refs/heads/main', ''))?.map((entry) => entry.name)).toEqual([name]);
});

test('a tree of a hundred thousand entries, one a thousand folders deep and one without a name do no harm (IM-018)', async () => {
  const server = await startGitServer();
  const { dir: served } = await server.add('odd', {
    commits: [{ key: 'one', message: 'x', files: { [`${'d/'.repeat(1000)}file`]: 'deep' } }],
    branches: { deep: 'one' },
  });
  const blob = Buffer.from(await writeObject(served, 'blob', Buffer.from('x')), 'hex');
  const names = Array.from({ length: 100_000 }, (_, index) => `file-${String(index).padStart(6, '0')}`);
  await serveTree(served, Buffer.concat(names.flatMap((name) => [Buffer.from(`100644 ${name}\0`), blob])));
  const options = optionsFor(server, 'odd');
  await mirror(options);
  expect((await listTree(options.dir, 'refs/heads/main', ''))?.length).toBe(100_000);
  const deep = await readBlob(options.dir, 'refs/heads/deep', `${'d/'.repeat(1000)}file`, 10);
  expect(deep?.content?.toString()).toBe('deep');
  // No server can send an entry without a name: its git stumbles first.
  await serveTree(served, Buffer.concat([Buffer.from('100644 \0'), blob]));
  expect(await failureOf(mirror(options))).toMatchObject({ name: 'GitFailure' });
});
