// Serving a repository to git clients: read only, over the smart protocol, and no file of it by its name.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { GitFailure } from '../../src/git/failure.ts';
import { serveUploadPack } from '../../src/git/http-backend.ts';
import { runGit } from '../../src/sandbox/git-process.ts';
import { makeGitRepository } from '../../src/sandbox/git-story.ts';
import { SMALL } from './server.ts';

let place = '';
let end: (() => Promise<void>) | undefined;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'gatehouse-git-'));
});

afterEach(async () => {
  await end?.();
  await rm(place, { recursive: true, force: true });
});

async function serve(dir = join(place, 'made.git')) {
  const { commits } = await makeGitRepository(join(place, 'made.git'), SMALL);
  const failures: GitFailure[] = [];
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '', 'http://here');
    const path = url.pathname.replace('/made.git', '');
    serveUploadPack({ dir, req, res, path, query: url.searchParams }).catch((error: GitFailure) => {
      failures.push(error);
      if (!res.headersSent) res.writeHead(500).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  end = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/made.git`, commits, failures };
}

test.each(['0', '1', '2'])('git clones, fetches more and lists, in protocol %s', async (version) => {
  const { url, commits, failures } = await serve();
  const flags = ['-c', `protocol.version=${version}`];
  const clone = join(place, 'clone');
  await runGit([...flags, 'clone', '--quiet', '--depth=1', url, clone]);
  await runGit([...flags, '-C', clone, 'fetch', '--quiet', '--unshallow']);
  const log = (await runGit(['-C', clone, 'log', '--format=%H', 'main'])).toString().trim().split('\n');
  expect(log).toEqual([commits.get('second'), commits.get('first')]);
  const listed = (await runGit([...flags, 'ls-remote', url])).toString();
  expect(listed).toContain(`${commits.get('side')}\trefs/heads/feature/side`);
  await runGit([...flags, 'clone', '--quiet', '--bare', '--filter=blob:none', url, join(place, 'partial')]);
  expect(failures).toEqual([]);
});

test('what is sent packed is unpacked; answers are no pages and are not kept (IM-045)', async () => {
  const { url } = await serve();
  const refs = await fetch(`${url}/info/refs?service=git-upload-pack`, { headers: { 'git-protocol': 'version=2' } });
  expect(refs.status).toBe(200);
  expect(refs.headers.get('content-type')).toBe('application/x-git-upload-pack-advertisement');
  expect(refs.headers.get('x-content-type-options')).toBe('nosniff');
  expect(refs.headers.get('cache-control')).toBe('no-store');
  expect(await refs.text()).toMatch(/^000eversion 2\n/);
  const listed = await fetch(`${url}/git-upload-pack`, {
    method: 'POST',
    headers: {
      'git-protocol': 'version=2',
      'content-type': 'application/x-git-upload-pack-request',
      'content-encoding': 'gzip',
    },
    body: gzipSync('0014command=ls-refs\n0000'),
  });
  expect(await listed.text()).toContain('refs/heads/main');
});

test('no file of the repository is served by its name, and nobody pushes (IM-045)', async () => {
  const { url, commits } = await serve();
  const object = commits.get('first') ?? '';
  for (const path of [
    '/config',
    '/HEAD',
    '/info/refs',
    '/objects/info/packs',
    `/objects/${object.slice(0, 2)}/${object.slice(2)}`,
    '/hooks/update',
    '/%2e%2e/made.git/config',
    '/info/refs?service=git-upload-archive',
    '/info/refs?service=--upload-pack',
    '/git-upload-pack',
    '',
    '/',
  ]) {
    expect([path, (await fetch(url + path)).status]).toEqual([path, 404]);
  }
  expect((await fetch(`${url}/info/refs?service=git-receive-pack`)).status).toBe(403);
  expect((await fetch(`${url}/git-receive-pack`, { method: 'POST', body: '0000' })).status).toBe(403);
  expect((await fetch(`${url}/git-upload-pack`, { method: 'POST', body: '0000' })).status).toBe(415);
  const clone = join(place, 'clone');
  await runGit(['clone', '--quiet', url, clone]);
  await expect(runGit(['-C', clone, 'push', '--quiet', 'origin', 'main:other'])).rejects.toThrow(/403/);
});

test('a request that means harm ends by itself, and the next one is served', async () => {
  const { url, failures } = await serve();
  const ask = (body: Buffer | string, headers: Record<string, string> = {}) =>
    fetch(`${url}/git-upload-pack`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-git-upload-pack-request', ...headers },
      body,
    }).then(
      (response) => response.status,
      () => 'broken off',
    );
  // 64 MB of nothing in 64 kB, which git may have had enough of before it fails; not gzip at all; not git at all; an
  // encoding nobody knows.
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, '0'));
  expect([200, 500, 'broken off']).toContain(await ask(bomb, { 'content-encoding': 'gzip' }));
  expect([500, 'broken off']).toContain(await ask('not gzip', { 'content-encoding': 'gzip' }));
  expect([200, 500, 'broken off']).toContain(await ask('hello'));
  expect(await ask('x', { 'content-encoding': 'br' })).toBe(415);
  expect(await ask('0000', { 'git-protocol': 'version=2:$(touch x)\\n'.repeat(50) })).toBe(200);
  expect(failures.map(({ name }) => name).every((name) => name === 'GitFailure')).toBe(true);
  expect((await fetch(`${url}/info/refs?service=git-upload-pack`)).status).toBe(200);
});

test('a repository that is not there is an error of the caller to answer', async () => {
  const { url, failures } = await serve(join('/nonexistent', 'made.git'));
  expect((await fetch(`${url}/info/refs?service=git-upload-pack`)).status).toBe(500);
  expect(failures).toMatchObject([{ name: 'GitFailure' }]);
});
