// Mirroring a repository over HTTP: whole, up to date, within limits, and leaving nothing behind when it fails.
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fetchBranch, fetchCommits } from '../../src/git/heads.ts';
import { mirror, removeMirror, tidy, type MirrorOptions } from '../../src/git/mirror.ts';
import { lsRemote } from '../../src/git/remote.ts';
import { listRefs, pinCommits, readHead, resolveCommits } from '../../src/git/repository.ts';
import { runGit } from '../../src/sandbox/git-process.ts';
import { until } from '../support/until.ts';
import {
  CREDENTIAL,
  failureOf,
  findGitProcesses,
  LIMITS,
  SMALL,
  startGitServer,
  TOKEN,
  type GitServer,
} from './server.ts';

function optionsFor(server: GitServer, slug: string, more: Partial<MirrorOptions> = {}): MirrorOptions {
  const remote = { url: `${server.url}acme/${slug}.git`, credential: CREDENTIAL };
  return { remote, dir: join(server.dir, 'here', '1.git'), limits: LIMITS, retryAfterMs: 10, ...more };
}

/** What lies where repositories are kept. */
async function left(options: MirrorOptions): Promise<string[]> {
  return readdir(dirname(options.dir)).catch(() => []);
}

test('a mirror has every ref of the remote and its HEAD, and says nothing of where it came from (IM-006) (IM-044)', async () => {
  const server = await startGitServer();
  const { commits } = await server.add('small', SMALL);
  const options = optionsFor(server, 'small');
  const phases = new Set<string>();
  await mirror({ ...options, onProgress: ({ phase }) => phases.add(phase) });
  const remote = await lsRemote(options.remote);
  expect(remote.refs.map(({ name }) => name)).toEqual([
    'refs/heads/feature/side',
    'refs/heads/main',
    'refs/tags/v1',
    'refs/tags/v2',
  ]);
  expect(await listRefs(options.dir)).toEqual(remote.refs);
  expect(remote.head).toBe('refs/heads/main');
  expect(await readHead(options.dir)).toBe('refs/heads/main');
  expect(remote.refs[1]?.sha).toBe(commits.get('second'));
  expect([...phases]).toContain('receiving');
  expect(await left(options)).toEqual([basename(options.dir)]);
  expect((await stat(options.dir)).mode & 0o077).toBe(0);
  const config = await readFile(join(options.dir, 'config'), 'utf8');
  expect(config).not.toMatch(/url|remote|token/i);
  expect(await readdir(options.dir)).not.toContain('hooks');
});

test('refs of the remote that bear the names of ours do not come', async () => {
  const server = await startGitServer();
  const { dir: served, commits } = await server.add('small', SMALL);
  await runGit(['-C', served, 'update-ref', 'refs/pull-requests/7/from', commits.get('side') ?? '']);
  const options = optionsFor(server, 'small');
  for (let times = 0; times < 2; times += 1) {
    await mirror(options);
    const names = (await listRefs(options.dir)).map(({ name }) => name);
    expect(names).toContain('refs/heads/main');
    expect(names).not.toContain('refs/pull-requests/7/from');
  }
});

test('a second time brings what changed, takes away what is gone, and leaves refs of ours alone', async () => {
  const server = await startGitServer();
  const { commits, dir: served } = await server.add('small', SMALL);
  const options = optionsFor(server, 'small');
  await mirror(options);
  const own = { name: 'refs/pull-requests/7/from', sha: commits.get('side') ?? '' };
  await pinCommits(options.dir, [own]);
  // In place of the branch feature/side comes one called `feature`, which cannot be there beside it.
  await runGit(['-C', served, 'update-ref', '-d', 'refs/heads/feature/side']);
  await runGit(['-C', served, 'update-ref', 'refs/heads/feature', commits.get('declined') ?? '']);
  await runGit(['-C', served, 'update-ref', 'refs/heads/main', commits.get('side') ?? '']);
  await runGit(['-C', served, 'update-ref', 'refs/pull-requests/8/from', commits.get('side') ?? '']);
  await runGit(['-C', served, 'symbolic-ref', 'HEAD', 'refs/heads/feature']);
  await mirror(options);
  const theirs = (await lsRemote(options.remote)).refs.filter(({ name }) => !name.startsWith('refs/pull-requests/'));
  const byName = (refs: { name: string }[]) => refs.map(({ name }) => name).sort();
  const refs = await listRefs(options.dir);
  expect(byName(refs)).toEqual(byName([...theirs, own]));
  expect(refs).toEqual(expect.arrayContaining([...theirs, own]));
  expect(await readHead(options.dir)).toBe('refs/heads/feature');
});

test('after many updates there are few packs, and commits that only a ref of ours or none reaches are still there', async () => {
  const server = await startGitServer();
  const { dir: served, commits } = await server.add('small', SMALL);
  const options = optionsFor(server, 'small');
  await mirror(options);
  await fetchCommits(options, [{ name: 'refs/pull-requests/1/from', sha: commits.get('declined') ?? '' }]);
  const pushed: string[] = [];
  for (let times = 0; times < 6; times += 1) {
    const parent = ['-p', commits.get('first') ?? '', '-m', `push ${times}`, `${commits.get('side')}^{tree}`];
    const who = ['-c', 'user.name=S', '-c', 'user.email=s@example.test'];
    const sha = (await runGit(['-C', served, ...who, 'commit-tree', ...parent])).toString().trim();
    await runGit(['-C', served, 'update-ref', 'refs/heads/main', sha]);
    pushed.push(sha);
    await mirror(options);
  }
  const packs = (await readdir(join(options.dir, 'objects', 'pack'))).filter((name) => name.endsWith('.pack'));
  expect(packs.length).toBeLessThanOrEqual(4);
  expect(await readdir(join(options.dir, 'objects'))).toHaveLength(2);
  const all = [...pushed, ...commits.values()];
  expect([...(await resolveCommits(options.dir, all)).keys()].sort()).toEqual([...all].sort());
});

test('an empty repository is mirrored as one, with the branch that its HEAD names, and fills later (IR-028)', async () => {
  const server = await startGitServer();
  const { dir: served } = await server.add('empty', { commits: [], branches: {}, head: 'develop' });
  const options = optionsFor(server, 'empty');
  await mirror(options);
  expect(await listRefs(options.dir)).toEqual([]);
  expect(await readHead(options.dir)).toBe('refs/heads/develop');
  await mirror(options);
  const blob = (await runGit(['-C', served, 'hash-object', '-t', 'tree', '-w', '--stdin'])).toString().trim();
  const identity = ['-c', 'user.name=S', '-c', 'user.email=s@example.test'];
  const commit = (await runGit(['-C', served, ...identity, 'commit-tree', '-m', 'x', blob])).toString().trim();
  await runGit(['-C', served, 'update-ref', 'refs/heads/develop', commit]);
  await mirror(options);
  expect(await listRefs(options.dir)).toEqual([{ name: 'refs/heads/develop', sha: commit }]);
});

test('wrong credentials are told from a repository that is not there, and neither shows a token (IM-041)', async () => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  const options = optionsFor(server, 'small');
  const wrong = { ...options.remote, credential: { username: 'x-token-auth', password: 'canary-of-a-token' } };
  const refused = await failureOf(mirror({ ...options, remote: wrong }));
  expect(refused).toMatchObject({ name: 'GitFailure', reason: 'refused' });
  expect(await failureOf(mirror({ ...options, remote: { url: options.remote.url } }))).toMatchObject({
    reason: 'refused',
  });
  const missing = await failureOf(mirror(optionsFor(server, 'nothing')));
  expect(missing).toMatchObject({ reason: 'not_found' });
  const shown = JSON.stringify([refused, missing].map((error) => [error.message, error.detail, error.stack, error]));
  expect(shown).not.toMatch(new RegExp(`canary|${TOKEN}|extraHeader|--mirror`));
  expect(await left(options)).toEqual([]);
});

test('a connection that breaks twice is tried a third time from a clean start; three times is enough (IR-031)', async () => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  let breaks = 2;
  let tries = 0;
  server.use((request, response, next) => {
    if (request.method !== 'POST' || breaks === 0) return next();
    breaks -= 1;
    tries += 1;
    response.writeHead(200, { 'Content-Type': 'application/x-git-upload-pack-result' });
    response.write('0005');
    setTimeout(() => response.destroy(), 20);
  });
  const options = optionsFor(server, 'small');
  await mirror(options);
  expect(tries).toBe(2);
  expect(await left(options)).toEqual([basename(options.dir)]);
  await removeMirror(options.dir);
  breaks = Infinity;
  tries = 0;
  expect(await failureOf(mirror(options))).toMatchObject({ reason: 'network' });
  expect(tries).toBe(3);
  expect(await left(options)).toEqual([]);
});

test('what is larger than the limit, or has more refs, is stopped and removed (IM-018) (IM-019)', async () => {
  const server = await startGitServer();
  const noise = Buffer.alloc(3_000_000);
  for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE(Math.floor(Math.random() * 2 ** 32), at);
  const branches = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`b${index}`, 'first']));
  await server.add('large', { commits: [{ key: 'first', message: 'x', files: { noise } }], branches });
  const options = optionsFor(server, 'large');
  expect(await failureOf(mirror({ ...options, limits: { ...LIMITS, maxBytes: 1e6 } }))).toMatchObject({
    reason: 'too_large',
  });
  expect(await failureOf(mirror({ ...options, limits: { ...LIMITS, maxRefs: 100 } }))).toMatchObject({
    reason: 'too_many_refs',
  });
  expect(await left(options)).toEqual([]);
  await mirror(options);
  expect(await failureOf(lsRemote(options.remote, { maxRefs: 100 }))).toMatchObject({ reason: 'too_many_refs' });
});

test('a server that stalls is left at the deadline, and cancelling ends git and all that it started (IR-022) (IM-018)', async () => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  server.use((request, _response, next) => (request.method === 'POST' ? undefined : next()));
  const options = optionsFor(server, 'small');
  const late = await failureOf(mirror({ ...options, limits: { ...LIMITS, timeoutMs: 500 } }));
  expect(late).toMatchObject({ reason: 'timeout' });
  const cancel = new AbortController();
  const cancelled = failureOf(mirror({ ...options, signal: cancel.signal }));
  await until(() => findGitProcesses().length >= 2);
  cancel.abort();
  expect(await cancelled).toMatchObject({ reason: 'cancelled' });
  expect(findGitProcesses()).toEqual([]);
  expect(await left(options)).toEqual([]);
});

test('no token is in the arguments of any process, and none asks, reads settings or knows a home (IM-005)', async () => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  server.use((request, _response, next) => (request.method === 'POST' ? undefined : next()));
  const cancel = new AbortController();
  const running = failureOf(mirror(optionsFor(server, 'small', { signal: cancel.signal })));
  // One that has just been made still has the arguments of the one that made it.
  await until(() => findGitProcesses().some(({ argv }) => argv.includes('remote-http')));
  const processes = findGitProcesses();
  cancel.abort();
  await running;
  expect(processes.map(({ argv }) => argv).join('\n')).toMatch(/remote-http/);
  for (const { argv, environment } of processes) {
    expect(argv).not.toMatch(new RegExp(`${TOKEN}|${Buffer.from(`x-token-auth:${TOKEN}`).toString('base64')}|@|sh -c`));
    expect(environment).toMatch(/GIT_TERMINAL_PROMPT=0/);
    expect(environment).toMatch(/HOME=\/nonexistent/);
    expect(environment).toMatch(/GIT_CONFIG_NOSYSTEM=1/);
    expect(environment).not.toContain('NODE_ENV');
  }
});

test('commits that no branch reaches come by their hashes; those that the server does not give are told', async () => {
  const server = await startGitServer();
  const { commits } = await server.add('small', SMALL);
  const options = optionsFor(server, 'small');
  await mirror(options);
  const declined = commits.get('declined') ?? '';
  const pull = (number: number, sha: string) => ({ name: `refs/pull-requests/${number}/from`, sha });
  const gone = [pull(2, 'a'.repeat(40)), pull(5, 'b'.repeat(40))];
  const wanted = [pull(1, declined), gone[0]!, pull(3, declined), pull(4, commits.get('side') ?? ''), gone[1]!];
  expect(await fetchCommits(options, wanted)).toEqual(gone);
  const refs = await listRefs(options.dir);
  expect(refs).toEqual(expect.arrayContaining([wanted[0], wanted[2], wanted[3]]));
  expect(await resolveCommits(options.dir, [declined.slice(0, 12)])).toEqual(
    new Map([[declined.slice(0, 12), declined]]),
  );
  const other = { key: 'other', parents: ['first'], message: 'Declined, too\n', files: { 'x.txt': 'x' } };
  const story = { ...SMALL, commits: [...SMALL.commits, other] };
  const strict = await server.add('strict', story, { fetchBySha: 'reachable' });
  const remote = { ...options.remote, url: `${server.url}acme/strict.git` };
  const refused = pull(6, strict.commits.get('other') ?? '');
  expect(await fetchCommits({ ...options, remote }, [refused, pull(7, commits.get('first') ?? '')])).toEqual([refused]);
});

test('the branch of a fork comes into a ref of ours, and one that is gone is not found', async () => {
  const server = await startGitServer();
  await server.add('small', SMALL);
  const fork = await server.add('fork', {
    commits: [{ key: 'theirs', message: 'Theirs\n', files: { 'x.txt': 'x' } }],
    branches: { 'fix/it': 'theirs' },
  });
  const options = optionsFor(server, 'small');
  await mirror(options);
  const there = { ...options, remote: { ...options.remote, url: `${server.url}acme/fork.git` } };
  await fetchBranch(there, 'fix/it', 'refs/pull-requests/3/from');
  const own = { name: 'refs/pull-requests/3/from', sha: fork.commits.get('theirs') };
  expect(await listRefs(options.dir)).toContainEqual(own);
  expect(await failureOf(fetchBranch(there, 'gone', 'refs/pull-requests/4/from'))).toMatchObject({
    reason: 'not_found',
  });
  for (const ref of ['refs/heads/main', 'refs/pull-requests/../heads/main', '--upload-pack=x']) {
    expect(await failureOf(fetchBranch(there, 'fix/it', ref))).toMatchObject({ reason: 'failed' });
  }
  expect(await failureOf(fetchBranch(there, 'a:refs/heads/main', own.name))).toMatchObject({ reason: 'failed' });
});

test('refs of ours that were made one by one are put into one file, whatever a git that was killed left there', async () => {
  const server = await startGitServer();
  const { commits } = await server.add('small', SMALL);
  const options = optionsFor(server, 'small');
  await mirror(options);
  const own = [1, 2].map((number) => ({ name: `refs/pull-requests/${number}/to`, sha: commits.get('side') ?? '' }));
  await pinCommits(options.dir, own);
  expect(await readdir(join(options.dir, 'refs', 'pull-requests'))).toHaveLength(2);
  await writeFile(join(options.dir, 'packed-refs.lock'), '');
  await tidy(options.dir, {});
  expect(await readdir(join(options.dir, 'refs', 'pull-requests'))).toEqual([]);
  expect(await listRefs(options.dir)).toEqual(expect.arrayContaining(own));
});

test('what a killed attempt left beside a mirror or inside it does not stand in the way', async () => {
  const server = await startGitServer();
  const { dir: served, commits } = await server.add('small', SMALL);
  const options = optionsFor(server, 'small');
  await runGit(['init', '--quiet', '--bare', `${options.dir}.work-abc123`]);
  await mirror(options);
  expect(await left(options)).toEqual([basename(options.dir)]);
  await runGit(['-C', served, 'update-ref', 'refs/heads/main', commits.get('side') ?? '']);
  for (const path of ['packed-refs.lock', 'HEAD.lock', 'refs/heads/main.lock', 'objects/pack/tmp_pack_x']) {
    await mkdir(dirname(join(options.dir, path)), { recursive: true });
    await writeFile(join(options.dir, path), '');
  }
  await mirror(options);
  expect((await listRefs(options.dir)).find(({ name }) => name === 'refs/heads/main')?.sha).toBe(commits.get('side'));
});
