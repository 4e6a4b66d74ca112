// What the sandbox tells of git: commits, refs, diffs; and git itself at the clone address.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { getApi, startTestSandbox, type Json } from './start-test-sandbox.ts';

const sandbox = startTestSandbox({ repositories: [makeSmallSample, makeOddSample] });
const ODD = '/repositories/acme/odd-parts';
const ANVIL = '/repositories/acme/anvil';
const get = (path: string, as = 'alice') => getApi(sandbox(), path, sandbox().accessToken(as));
const valuesOf = (body: Json) => body['values'] as Json[];
const find = (repository: string, number: number) =>
  sandbox()
    .repository(repository)
    .pullRequests.find(({ id }) => id === number)!;

async function getText(path: string, as = 'alice') {
  const headers = { authorization: `Bearer ${sandbox().accessToken(as)}` };
  const response = await fetch(`${sandbox().apiUrl}${path}`, { headers });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

it('lists commits newest first, without a size', async () => {
  const { body } = await get(`${ANVIL}/commits?pagelen=2`);
  expect(body).not.toHaveProperty('size');
  expect(valuesOf(body).map(({ message }) => message)).toEqual(['Add a parachute\n', 'An anvil of feathers\n']);
  expect(body['next']).toContain('page=2');
});

it('finds the full hash of twelve characters, and the account of an author', async () => {
  const full = find('acme/anvil', 1).source.commit!;
  const { body } = await get(`${ANVIL}/commit/${full.slice(0, 12)}`);
  expect(body).toMatchObject({ hash: full, date: '2026-02-09T09:00:00+00:00', message: 'It makes a sound\n' });
  expect(body['author']).toMatchObject({ raw: 'Bob Builder <bob@example.test>', user: { nickname: 'bob' } });
  expect((await get(`${ANVIL}/commit/0123456789ab`)).body).toEqual({
    type: 'error',
    error: { message: 'Commit not found', data: { shas: ['0123456789ab'] } },
  });
});

it('knows commits that no ref reaches, and those of forks', async () => {
  for (const id of [4, 6, 7, 10, 11]) {
    const hash = find('acme/odd-parts', id).source.commit!;
    expect((await get(`${ODD}/commit/${hash.slice(0, 12)}`)).body['hash']).toBe(hash);
  }
  expect((await get(`${ODD}/commit/deadbeefdead`)).status).toBe(404);
});

it('tells what was said and built of a commit', async () => {
  const odd = sandbox().repository('acme/odd-parts');
  const [comment] = odd.commitComments;
  const [status] = odd.statuses;
  expect(valuesOf((await get(`${ODD}/commit/${comment!.commit}/comments`)).body)).toMatchObject([
    { id: 9001, content: { raw: 'Said of a commit' } },
  ]);
  expect(valuesOf((await get(`${ODD}/commit/${status!.commit}/statuses`)).body)).toMatchObject([{ state: 'FAILED' }]);
});

it('lists branches and tags, annotated ones with their message', async () => {
  const branches = valuesOf((await get(`${ODD}/refs/branches?pagelen=100`)).body).map(({ name }) => name);
  expect(branches).toContain('feature/"quoted"&<b>ünï</b>');
  expect(branches).toContain('-x');
  const tags = valuesOf((await get(`${ODD}/refs/tags?sort=name`)).body);
  expect(tags.map(({ name }) => name)).toEqual(['light', 'ta/g/ü', 'v1.0']);
  expect(tags[0]).toMatchObject({ message: null, date: null, tagger: null });
  expect(tags[2]).toMatchObject({ message: 'One point nought\n\n<script>alert("tag")</script>\n' });
  const { mergeCommit } = find('acme/odd-parts', 1);
  expect(tags[2]!['target']).toMatchObject({ hash: mergeCommit });
});

it('lists the commits of a pull request only while its branch is there', async () => {
  const messages = async (path: string) => valuesOf((await get(path)).body).map(({ message }) => message);
  expect(await messages(`${ANVIL}/pullrequests/3/commits`)).toEqual(['Add a parachute\n']);
  expect(await messages(`${ODD}/pullrequests/10/commits`)).toEqual(['Part twenty-three, from a fork\n']);
  expect(await messages(`${ODD}/pullrequests/6/commits`)).toEqual([]);
  expect((await get(`${ODD}/pullrequests/4/commits`)).status).toBe(404);
});

it('leads from a pull request to its diff, source first', async () => {
  const token = sandbox().accessToken('alice');
  const response = await fetch(`${sandbox().apiUrl}${ANVIL}/pullrequests/3/diff`, {
    headers: { authorization: `Bearer ${token}` },
    redirect: 'manual',
  });
  const { source, destination } = find('acme/anvil', 3);
  const spec = `acme/anvil:${source.commit!.slice(0, 12)}%0D${destination.commit!.slice(0, 12)}`;
  expect(response.status).toBe(302);
  expect(response.headers.get('location')).toBe(
    `${sandbox().apiUrl}${ANVIL}/diff/${spec}?from_pullrequest_id=3&topic=true`,
  );
  const diff = await getText(`${ANVIL}/pullrequests/3/diff`);
  expect(diff).toMatchObject({ status: 200, type: expect.stringContaining('text/plain') as string });
  expect(diff.text).toContain('+export const parachute = true;\n');
  expect(diff.text).toContain('-  return { weight, seconds: 1.2 };');
});

it.each([4, 6, 7, 10, 11])('has the diff of pull request %s, whose commits no clone brings', async (id) => {
  const { status, text } = await getText(`${ODD}/pullrequests/${id}/diff`);
  expect([status, text]).toEqual([200, expect.stringContaining('+++ b/list.txt')]);
});

it.each([3, 12])('has no diff of pull request %s, whose commits are lost', async (id) => {
  expect((await getText(`${ODD}/pullrequests/${id}/diff`)).status).toBe(404);
});

it('compares two commits, tells one against its parent, and the first against nothing', async () => {
  const { source, destination } = find('acme/anvil', 3);
  const two = await getText(`${ANVIL}/diff/${source.commit}..${destination.commit}?path=src/parachute.js`);
  expect(two.text).toMatch(/^diff --git a\/src\/parachute.js b\/src\/parachute.js\nnew file/);
  expect(two.text).not.toContain('drop.js');
  expect((await getText(`${ANVIL}/diff/${source.commit}`)).text).toContain('parachute');
  const first = find('acme/odd-parts', 1).destination.commit!;
  expect((await getText(`${ODD}/diff/${first}`)).text).toContain('+# Odd parts');
  expect((await getText(`${ODD}/patch/${first}`)).text).toContain('Subject: [PATCH] First parts');
});

it('tells what changed by file, and the patch with its message', async () => {
  const { body } = await get(`${ANVIL}/pullrequests/3/diffstat`);
  expect(valuesOf(body)).toMatchObject([
    { status: 'modified', lines_added: 1, lines_removed: 1, new: { path: 'src/drop.js' } },
    { status: 'added', lines_added: 1, lines_removed: 0, old: null, new: { path: 'src/parachute.js' } },
  ]);
  expect((await getText(`${ANVIL}/pullrequests/3/patch`)).text).toContain('Subject: [PATCH] Add a parachute');
});

describe('at the clone address', () => {
  const run = promisify(execFile);
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'sandbox-clone-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function lsRemote(name: string, credentials: string): Promise<string[]> {
    const url = `http://${credentials}@127.0.0.1:${sandbox().port}/${name}.git`;
    const { stdout } = await run('git', ['ls-remote', url], { cwd: folder, env: gitEnv() });
    return stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t')[1]!);
  }
  const gitEnv = () => ({ ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_GLOBAL: '/dev/null' });

  it('shows refs to tokens of every kind, by the name that goes with each', async () => {
    const scopes = ['repository'];
    const expected = [
      'HEAD',
      'refs/heads/feathers',
      'refs/heads/main',
      'refs/heads/parachute',
      'refs/tags/v1.0',
      'refs/tags/v1.0^{}',
    ];
    for (const credentials of [
      `x-token-auth:${sandbox().accessToken('alice')}`,
      `x-token-auth:${sandbox().placeToken('acme/anvil', scopes)}`,
      `x-bitbucket-api-token-auth:${sandbox().apiToken('alice', scopes)}`,
    ]) {
      expect(await lsRemote('acme/anvil', credentials)).toEqual(expected);
    }
    expect(sandbox().counts.get('git')).toBeGreaterThanOrEqual(3);
  });

  it('refuses tokens that are dead, lack the scope or belong to somebody outside', async () => {
    const expired = sandbox().accessToken('alice');
    sandbox().expireTokens('alice');
    for (const credentials of [
      `x-token-auth:${expired}`,
      `x-token-auth:${sandbox().accessToken('alice', ['account'])}`,
      `x-token-auth:${sandbox().accessToken('carol')}`,
      `x-token-auth:${sandbox().placeToken('acme/empty-shelf', ['repository'])}`,
      'x-token-auth:made-up',
    ]) {
      await expect(lsRemote('acme/anvil', credentials)).rejects.toThrow();
    }
  });

  it('breaks off a clone when that is the fault', async () => {
    const url = `http://x-token-auth:${sandbox().accessToken('alice')}@127.0.0.1:${sandbox().port}/acme/anvil.git`;
    const clone = () => run('git', ['clone', '--quiet', '--mirror', url, 'anvil.git'], { cwd: folder, env: gitEnv() });
    sandbox().fault('git', { kind: 'truncate', after: 1, times: 1 });
    await expect(clone()).rejects.toThrow();
    await clone();
  });

  it('brings a clone with everything that refs reach, and no more', async () => {
    const url = `http://x-token-auth:${sandbox().accessToken('alice')}@127.0.0.1:${sandbox().port}/acme/odd-parts.git`;
    await run('git', ['clone', '--quiet', '--mirror', url, 'odd.git'], { cwd: folder, env: gitEnv() });
    const has = (hash: string) =>
      run('git', ['-C', 'odd.git', 'cat-file', '-e', hash], { cwd: folder }).then(
        () => true,
        () => false,
      );
    const reached = [1, 2, 8, 9, 13].map((id) => find('acme/odd-parts', id).source.commit!);
    const unreached = [4, 6, 7, 10, 11, 12].map((id) => find('acme/odd-parts', id).source.commit!);
    expect(await Promise.all(reached.map(has))).toEqual(reached.map(() => true));
    expect(await Promise.all(unreached.map(has))).toEqual(unreached.map(() => false));
  });
});
