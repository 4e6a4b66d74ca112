// Large files: which pointers count, where they may come from, and what is kept of what comes.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Request, Response } from 'express';
import { createLfsHttp } from '../../src/git/lfs-http.ts';
import { BITBUCKET_STORAGE_HOSTS, downloadLfs, lfsBatchUrl, type LfsOptions } from '../../src/git/lfs.ts';
import { listLfsPointers, parseLfsPointer, type LfsObject } from '../../src/git/lfs-pointers.ts';
import { mirror } from '../../src/git/mirror.ts';
import { lfsPointer, type GitStory } from '../../src/sandbox/git-story.ts';
import { CREDENTIAL, failureOf, LIMITS, startGitServer, startRecorder, TOKEN, type GitServer } from './server.ts';

const AUTHORIZATION = `Bearer ${TOKEN}`;

const MEDIA: GitStory = {
  commits: [
    { key: 'one', message: 'x', files: { 'a.bin': { lfs: 'first content' }, 'b.bin': { lfs: 'b'.repeat(300_000) } } },
    {
      key: 'two',
      message: 'y',
      files: { 'a.bin': { lfs: 'second content' }, '.lfsconfig': '[lfs]\nurl = https://evil.test/\n' },
    },
    {
      key: 'side',
      parents: ['one'],
      message: 'z',
      files: { 'again.bin': { lfs: 'first content' }, 'c.bin': { lfs: 'only here' } },
    },
  ],
  branches: { main: 'two', side: 'side' },
};

function objectOf(content: string): LfsObject {
  return { oid: createHash('sha256').update(content).digest('hex'), size: Buffer.byteLength(content) };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function optionsFor(server: GitServer, objects: LfsObject[], more: Partial<LfsOptions> = {}): LfsOptions {
  const batchUrl = `${server.url}acme/media.git/info/lfs/objects/batch`;
  return { batchUrl, authorization: AUTHORIZATION, objects, dir: join(server.dir, 'lfs'), retryAfterMs: 5, ...more };
}

/** Every file below the folder for large files. */
async function kept(server: GitServer): Promise<string[]> {
  const names = await readdir(join(server.dir, 'lfs'), { recursive: true }).catch(() => []);
  return names.filter((name) => name.length > 6);
}

/** A server whose batch API says that `hello` lies at its `/file`, which then does this. */
async function startStorage(header: Record<string, string>, send: (request: Request, response: Response) => void) {
  const server = await startGitServer();
  server.use((request, response, next) => {
    if (request.path.startsWith('/file')) return send(request, response);
    if (!request.path.endsWith('/objects/batch')) return next();
    sayItLiesAt(response, `${server.url}file`, header);
  });
  return server;
}

function sayItLiesAt(response: Response, href: string, header?: Record<string, string>): void {
  const object = { oid: objectOf('hello').oid, size: 5, actions: { download: { href, header } } };
  response.type('application/vnd.git-lfs+json').send(JSON.stringify({ transfer: 'basic', objects: [object] }));
}

test('every object that any ref points to is found once, and comes with what the batch call says (IM-021)', async () => {
  const server = await startGitServer();
  const { lfs } = await server.add('media', MEDIA);
  const dir = join(server.dir, 'here.git');
  await mirror({ remote: { url: `${server.url}acme/media.git`, credential: CREDENTIAL }, dir, limits: LIMITS });
  const objects = await all(listLfsPointers(dir));
  expect(objects.map(({ oid }) => oid).sort()).toEqual([...lfs.keys()].sort());
  server.requests.length = 0;
  const results = await downloadLfs(optionsFor(server, objects));
  expect(results.map(({ failure }) => failure)).toEqual(objects.map(() => undefined));
  for (const [oid, content] of lfs) {
    const path = join(server.dir, 'lfs', oid.slice(0, 2), oid.slice(2, 4), oid);
    expect(await readFile(path)).toEqual(content);
    expect((await stat(path)).mode & 0o077).toBe(0);
  }
  const [batch, ...files] = server.requests;
  expect(batch?.headers.authorization).toBe(AUTHORIZATION);
  expect(files).toHaveLength(lfs.size);
  expect(files.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  // What is here is not asked for again.
  server.requests.length = 0;
  expect(await downloadLfs(optionsFor(server, objects))).toHaveLength(objects.length);
  expect(server.requests).toHaveLength(0);
});

test('a repository without large files has none', async () => {
  const server = await startGitServer();
  const { dir } = await server.add('plain', { commits: [{ key: 'one', message: 'x' }], branches: { main: 'one' } });
  expect(await all(listLfsPointers(dir))).toEqual([]);
});

test('what is not a pointer to the letter is a file like others (IM-024)', () => {
  const { oid } = objectOf('hello');
  expect(parseLfsPointer(lfsPointer(oid, 5))).toEqual({ oid, size: 5 });
  for (const text of [
    lfsPointer(oid.toUpperCase(), 5),
    lfsPointer(oid.slice(1), 5),
    lfsPointer(`${oid}0`, 5),
    lfsPointer(`../../../../${oid.slice(12)}`, 5),
    lfsPointer(oid, -1),
    lfsPointer(oid, 1.5),
    lfsPointer(oid, 1e30),
    lfsPointer(oid, 5).replace('sha256', 'sha1'),
    lfsPointer(oid, 5).replace('git-lfs.github.com', 'evil.test'),
    lfsPointer(oid, 5).replace('\n', '\r\n'),
    `${lfsPointer(oid, 5)}more\n`,
    `\n${lfsPointer(oid, 5)}`,
    '',
  ]) {
    expect(parseLfsPointer(text)).toBeUndefined();
  }
});

test('pointers that are no pointers ask for nothing, nor do the settings of a repository (IM-024) (IM-026)', async () => {
  const server = await startGitServer();
  const { oid } = objectOf('hello');
  const { dir } = await server.add('odd', {
    commits: [
      {
        key: 'one',
        message: 'x',
        files: {
          'huge.bin': `${lfsPointer(oid, 5)}${'x'.repeat(2_000_000)}`,
          'path.bin': lfsPointer(`../../../../${oid.slice(12)}`, 5),
          'upper.bin': lfsPointer(oid.toUpperCase(), 5),
          '.lfsconfig': '[lfs]\n\turl = https://evil.test/\n\tlocksverify = true\n',
        },
      },
    ],
    branches: { main: 'one' },
  });
  expect(await all(listLfsPointers(dir))).toEqual([]);
});

test('an object that the server lacks is told and the others come', async () => {
  const server = await startGitServer();
  await server.add('media', MEDIA);
  const gone = objectOf('never stored');
  const results = await downloadLfs(optionsFor(server, [gone, objectOf('first content')]));
  expect(results.filter(({ failure }) => failure !== undefined).map(({ oid }) => oid)).toEqual([gone.oid]);
  expect(results.find(({ oid }) => oid === gone.oid)).toMatchObject({ isRetryable: false });
  expect(await kept(server)).toHaveLength(1);
});

const NEVER = [
  'http://127.0.0.1:PORT/file',
  'http://localhost:PORT/file',
  'http://[::1]:PORT/file',
  'http://169.254.169.254/latest/meta-data',
  'https://10.0.0.1/file',
  'https://evil.test/file',
  'http://user:pass@127.0.0.1:OWN/file',
  'file:///etc/passwd',
  'ftp://127.0.0.1:OWN/file',
  'data:text/plain,hello',
  '//127.0.0.1:PORT/file',
  'not a URL',
];

test.each(NEVER)('an object said to lie at %s is not fetched (IM-020)', async (href) => {
  const recorder = await startRecorder();
  const server = await startGitServer();
  const target = href.replace('PORT', String(recorder.port)).replace('OWN', new URL(server.url).port);
  server.use((request, response, next) => {
    if (!request.path.endsWith('/objects/batch')) return next();
    sayItLiesAt(response, target);
  });
  const [result] = await downloadLfs(optionsFor(server, [objectOf('hello')]));
  expect(result?.failure).toMatch(/^it lies at (https?:\/\/[\w.:[\]-]+|an address of another kind), and|not usable/);
  expect(result?.isRetryable).toBe(false);
  expect(recorder.seen).toEqual([]);
  expect(server.requests).toHaveLength(1);
  expect(await kept(server)).toEqual([]);
});

test.each([...NEVER, 'https://127.0.0.1:PORT/file', 'http://bitbucket.org/file', 'https://bitbucket.org:8443/file'])(
  'of Bitbucket itself, an object said to lie at %s is not fetched (IM-020)',
  async (href) => {
    const recorder = await startRecorder();
    const batchUrl = 'https://bitbucket.org/acme/media.git/info/lfs/objects/batch';
    const http = createLfsHttp({ batchUrl, allowedHosts: BITBUCKET_STORAGE_HOSTS });
    const failure = await failureOf(http.open(href.replace(/PORT|OWN/, String(recorder.port)), {}, 1000));
    await http.close();
    expect(failure.detail).toMatch(/^it lies at (https?:\/\/[\w.:[\]-]+|an address of another kind), and|not usable/);
    expect(recorder.seen).toEqual([]);
  },
);

test.each([
  'https://bitbucket.org/acme/media.git',
  'https://bitbucket.org/acme/media',
  'https://bitbucket.org/acme/media.git/',
])('the batch API of %s is found', (url) => {
  expect(lfsBatchUrl(url)).toBe('https://bitbucket.org/acme/media.git/info/lfs/objects/batch');
});

test('for a batch call over https only https to public addresses of allowed hosts will do (IM-020)', async () => {
  const recorder = await startRecorder();
  const batchUrl = `https://bitbucket.test/acme/media.git/info/lfs/objects/batch`;
  const server = await startGitServer();
  const looked: string[] = [];
  const lookup = (hostname: string) => {
    looked.push(hostname);
    return Promise.resolve(['127.0.0.1', '10.0.0.1', '::1']);
  };
  const failure = await failureOf(downloadLfs(optionsFor(server, [objectOf('hello')], { batchUrl, lookup })));
  expect(failure).toMatchObject({ reason: 'failed', detail: 'the host has no public address' });
  expect(looked).toEqual(['bitbucket.test']);
  const port = `https://127.0.0.1:${recorder.port}/acme/media.git/info/lfs/objects/batch`;
  expect(await failureOf(downloadLfs(optionsFor(server, [objectOf('hello')], { batchUrl: port })))).toMatchObject({
    name: 'GitFailure',
  });
  expect(recorder.seen).toEqual([]);
});

test('the headers of the batch call are sent, but those that frame a request are not theirs to set (IM-021)', async () => {
  let seen: Record<string, unknown> = {};
  const theirs = { 'X-Ticket': 't', Authorization: 'Storage s' };
  const framing = { Host: 'evil.test', 'Content-Length': '99', 'Transfer-Encoding': 'chunked', Cookie: 'a=b' };
  const server = await startStorage({ ...theirs, ...framing }, (request, response) => {
    seen = request.headers;
    response.send('hello');
  });
  const [result] = await downloadLfs(optionsFor(server, [objectOf('hello')]));
  expect(result?.failure).toBeUndefined();
  expect(seen).toMatchObject({ 'x-ticket': 't', authorization: 'Storage s', host: new URL(server.url).host });
  expect(Object.keys(seen)).not.toEqual(expect.arrayContaining(['cookie']));
  expect(seen).not.toHaveProperty('content-length');
});

test('a redirect to another host gets no header of the batch call, and its target is looked at again (IM-022)', async () => {
  const recorder = await startRecorder();
  const server = await startGitServer();
  const { hostname, port } = new URL(server.url);
  let target = `http://localhost:${port}/file/2`;
  const seen: [string, string | undefined, string | undefined][] = [];
  server.use((request, response, next) => {
    if (request.path.endsWith('/objects/batch')) {
      const header = { Authorization: 'Storage s', 'X-Ticket': 't' };
      return sayItLiesAt(response, `http://${hostname}:${port}/file/1`, header);
    }
    if (!request.path.startsWith('/file')) return next();
    seen.push([request.headers.host ?? '', request.get('authorization'), request.get('x-ticket')]);
    if (request.path === '/file/1') response.redirect(302, target);
    else response.send('hello');
  });
  const [result] = await downloadLfs(optionsFor(server, [objectOf('hello')]));
  expect(result?.failure).toBeUndefined();
  expect(seen).toEqual([
    [`127.0.0.1:${port}`, 'Storage s', 't'],
    [`localhost:${port}`, undefined, undefined],
  ]);
  const other = objectOf('hello');
  for (target of [recorder.url, 'https://evil.test/', 'file:///etc/passwd', `http://127.0.0.1:${port}/file/1`]) {
    const options = optionsFor(server, [other], { dir: join(server.dir, 'lfs-again') });
    expect((await downloadLfs(options))[0]?.failure).toBeDefined();
  }
  expect(recorder.seen).toEqual([]);
});

test.each<[string, (response: Response) => void]>([
  ['has other content', (response) => void response.send('HELLO')],
  ['is too long', (response) => void response.send('hello and more')],
  ['is too short', (response) => void response.send('hell')],
  ['is empty', (response) => void response.end()],
  ['has no end', (response) => endless(response)],
  ['is said to be a part', (response) => void response.status(206).set('Content-Range', 'bytes 0-4/5').send('hello')],
  ['is compressed', (response) => void response.set('Content-Encoding', 'gzip').send('hello')],
  ['breaks off', (response) => void (response.set('Content-Length', '5'), response.write('he'), response.destroy())],
])('an object that %s is not kept, after at most three tries (IM-023)', async (_how, send) => {
  let tries = 0;
  const server = await startStorage({}, (_request, response) => {
    tries += 1;
    send(response);
  });
  const [result] = await downloadLfs(optionsFor(server, [objectOf('hello')]));
  expect(result?.failure).toBeDefined();
  expect(tries).toBeGreaterThanOrEqual(1);
  expect(tries).toBeLessThanOrEqual(3);
  expect(await kept(server)).toEqual([]);
});

function endless(response: Response): void {
  const timer = setInterval(() => response.write('x'.repeat(1000)), 1);
  response.on('close', () => clearInterval(timer));
}

test('an object that breaks off twice is here after the third try; one that is here stays as it is (IR-031)', async () => {
  let tries = 0;
  const server = await startStorage({}, (_request, response) => {
    tries += 1;
    if (tries < 3) response.status(503).end();
    else response.send('hello');
  });
  expect(await downloadLfs(optionsFor(server, [objectOf('hello')]))).toMatchObject([{ failure: undefined }]);
  expect(tries).toBe(3);
  expect(await downloadLfs(optionsFor(server, [objectOf('hello')]))).toMatchObject([{ failure: undefined }]);
  expect(tries).toBe(3);
});

test('what a killed download left of an object goes when it is fetched again', async () => {
  const server = await startStorage({}, (_request, response) => void response.send('hello'));
  const { oid } = objectOf('hello');
  const folder = join(server.dir, 'lfs', oid.slice(0, 2), oid.slice(2, 4));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${oid}.00000000-0000-4000-8000-000000000000.part`), 'hel');
  expect(await downloadLfs(optionsFor(server, [objectOf('hello')]))).toMatchObject([{ failure: undefined }]);
  expect(await readdir(folder)).toEqual([oid]);
});

test('an object that another project has is fetched and verified for this one, too (IM-025)', async () => {
  const server = await startGitServer();
  await server.add('media', MEDIA);
  const object = objectOf('first content');
  await downloadLfs(optionsFor(server, [object], { dir: join(server.dir, 'project-1') }));
  server.requests.length = 0;
  // Another project names the same object, but its server does not give it.
  await server.add('liar', { commits: [], branches: {} });
  const batchUrl = `${server.url}acme/liar.git/info/lfs/objects/batch`;
  const [result] = await downloadLfs(optionsFor(server, [object], { batchUrl }));
  expect(result?.failure).toBeDefined();
  expect(server.requests).toHaveLength(1);
  expect(await kept(server)).toEqual([]);
});

test('a batch call that fails says why: credentials, no such repository, trouble, nonsense; and can be cancelled', async () => {
  const server = await startGitServer();
  await server.add('media', MEDIA);
  let answer: ((response: Response) => void) | undefined;
  server.use((_request, response, next) => (answer ? answer(response) : next()));
  const reasonOf = async (more: Partial<LfsOptions>) =>
    (await failureOf(downloadLfs(optionsFor(server, [objectOf('first content')], more)))).reason;
  expect(await reasonOf({ authorization: 'Bearer wrong' })).toBe('refused');
  expect(await reasonOf({ batchUrl: `${server.url}acme/nothing.git/info/lfs/objects/batch` })).toBe('not_found');
  answer = (response) => void response.status(503).end();
  expect(await reasonOf({})).toBe('network');
  for (const nonsense of ['null', '[]', '{"objects":[{"oid":1}]}', '<html>', '']) {
    answer = (response) => void response.send(nonsense);
    expect(await reasonOf({})).toBe('failed');
  }
  answer = (response) => void response.redirect('/elsewhere');
  expect(await reasonOf({})).toBe('failed');
  answer = () => undefined;
  const cancel = new AbortController();
  setTimeout(() => cancel.abort(), 50);
  expect(await reasonOf({ signal: cancel.signal })).toBe('cancelled');
});
