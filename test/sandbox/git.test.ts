// The sandbox's git side, as a plain git client and an LFS client see it.
import { join } from 'node:path';
import { runGit } from '../../src/sandbox/git-process.ts';
import type { GitStory } from '../../src/sandbox/git-story.ts';
import { startGitServer, TOKEN } from './git-server.ts';

const STORY: GitStory = {
  commits: [
    { key: 'first', message: 'First\n', files: { 'README.md': '# Hello\n', 'a "quoted"\\name': 'x' } },
    { key: 'second', message: 'Second\n', files: { 'big.bin': { lfs: 'large content' }, 'a "quoted"\\name': null } },
    { key: 'side', parents: ['first'], message: 'Side\n', files: { link: { symlink: 'README.md' } } },
    { key: 'merge', parents: ['second', 'side'], message: 'Merge\n', files: { link: { symlink: 'README.md' } } },
    { key: 'unreachable', parents: ['first'], message: 'Declined\n', files: { 'declined.txt': 'no\n' } },
    { key: 'other root', parents: [], message: 'Another root\n', files: { 'index.html': '<p>hello' } },
  ],
  branches: { main: 'merge', 'feature/side': 'side', pages: 'other root' },
  tags: { v1: 'second', 'v1.1': { commit: 'merge', message: 'Version 1.1\n' } },
};

function basic(username: string, secret: string): string {
  return `http.extraHeader=Authorization: Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}`;
}

test('a repository is cloned whole with any of the three kinds of credentials', async () => {
  const server = await startGitServer();
  const { commits } = await server.add('rich', STORY);
  const kinds = [
    basic('x-token-auth', TOKEN),
    basic('x-bitbucket-api-token-auth', TOKEN),
    `http.extraHeader=Authorization: Bearer ${TOKEN}`,
  ];
  for (const [index, kind] of kinds.entries()) {
    const dir = join(server.dir, `clone-${index}`);
    await runGit(['-c', kind, 'clone', '--quiet', '--mirror', `${server.url}acme/rich.git`, dir]);
    const refs = (
      await runGit(['-C', dir, 'for-each-ref', '--format=%(refname) %(objectname) %(*objectname)'])
    ).toString();
    expect(refs.trim().split('\n')).toEqual([
      `refs/heads/feature/side ${commits.get('side')} `,
      `refs/heads/main ${commits.get('merge')} `,
      `refs/heads/pages ${commits.get('other root')} `,
      `refs/tags/v1 ${commits.get('second')} `,
      expect.stringMatching(new RegExp(`^refs/tags/v1.1 [0-9a-f]{40} ${commits.get('merge')}$`)),
    ]);
    const log = await runGit(['-C', dir, 'log', '--format=%s', '--topo-order', 'main']);
    expect(log.toString().trim().split('\n').sort()).toEqual(['First', 'Merge', 'Second', 'Side']);
  }
});

test('strangers are asked for credentials, bad ones are refused, and what does not exist is not found', async () => {
  const server = await startGitServer();
  await server.add('secret', STORY);
  const ask = (slug: string, authorization?: string) =>
    fetch(
      `${server.url}acme/${slug}.git/info/refs?service=git-upload-pack`,
      authorization ? { headers: { authorization } } : {},
    );
  for (const slug of ['secret', 'nothing']) {
    const response = await ask(slug);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Basic realm="Bitbucket.org HTTP"');
  }
  expect((await ask('secret', 'Bearer wrong')).status).toBe(401);
  expect((await ask('nothing', `Bearer ${TOKEN}`)).status).toBe(404);
  expect((await ask('secret', `Bearer ${TOKEN}`)).status).toBe(200);
  expect(
    (await fetch(`${server.url}acme/secret.git/info/refs`, { headers: { authorization: `Bearer ${TOKEN}` } })).status,
  ).toBe(403);
});

test.each([
  ['any', 'unreachable', true],
  ['any', 'first', true],
  ['reachable', 'unreachable', false],
  ['reachable', 'first', true],
  ['tips', 'first', false],
  ['tips', 'merge', true],
] as const)('with fetchBySha %s the commit "%s" comes by its hash: %s', async (fetchBySha, key, comes) => {
  const server = await startGitServer();
  const { commits } = await server.add('rich', STORY, { isPrivate: false, fetchBySha });
  const dir = join(server.dir, 'fetched');
  await runGit(['init', '--quiet', '--bare', dir]);
  const fetching = runGit([
    '-C',
    dir,
    'fetch',
    '--quiet',
    `${server.url}acme/rich.git`,
    `${commits.get(key)}:refs/got`,
  ]);
  await (comes ? fetching : expect(fetching).rejects.toThrow(/not our ref|unadvertised/));
});

test('an empty repository is cloned as an empty one, and its HEAD is the one of the story', async () => {
  const server = await startGitServer();
  await server.add('empty', { commits: [], branches: {}, head: 'develop' }, { isPrivate: false });
  const dir = join(server.dir, 'clone');
  await runGit(['clone', '--quiet', '--mirror', `${server.url}acme/empty.git`, dir]);
  expect((await runGit(['-C', dir, 'for-each-ref'])).toString()).toBe('');
});

test('LFS objects come from the storage with the header of the batch call and with no credentials of ours', async () => {
  const server = await startGitServer();
  const { lfs } = await server.add('rich', STORY);
  const [oid = '', content] = [...lfs][0] ?? [];
  const missing = 'f'.repeat(64);
  const batch = await fetch(`${server.url}acme/rich.git/info/lfs/objects/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/vnd.git-lfs+json' },
    body: JSON.stringify({
      operation: 'download',
      objects: [
        { oid, size: 13 },
        { oid: missing, size: 1 },
      ],
    }),
  });
  expect(batch.headers.get('content-type')).toMatch('application/vnd.git-lfs+json');
  const { objects } = (await batch.json()) as {
    objects: {
      oid: string;
      error?: { code: number };
      actions?: { download: { href: string; header: Record<string, string> } };
    }[];
  };
  expect(objects[1]).toMatchObject({ oid: missing, error: { code: 404 } });
  const { href, header } = objects[0]!.actions!.download;
  const stored = await fetch(href, { headers: header });
  expect(Buffer.from(await stored.arrayBuffer())).toEqual(content);
  expect((await fetch(href)).status).toBe(403);
  expect((await fetch(href, { headers: { ...header, authorization: `Bearer ${TOKEN}` } })).status).toBe(400);
});
