// Cloning with git itself, a personal access token as the password; and LFS beside it.
import { execFile } from 'node:child_process';
import type { ClientRequest } from 'node:http';
import { request as httpRequest } from 'node:http';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import request from 'supertest';
import { repositoryDir } from '../../src/projects/places.ts';
import { saveLfsObjects } from '../../src/projects/records.ts';
import { makeAccessToken, makeAccount, openBrowser, signInWithPassword } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { startApp } from '../support/start-app.ts';
import { until } from '../support/until.ts';
import { idOf, makeProject } from './make.ts';
import type { World } from './world.ts';
import { makeWorld } from './world.ts';

const run = promisify(execFile);
const CLONE = '/projects/root/demo.git';
const PASSWORD = 'a long enough password';

async function startWithToken(scopes = ['read_projects']): Promise<{ app: TestApp; world: World; token: string }> {
  const app = await startApp();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  return { app, world: await makeWorld(app), token: await makeAccessToken(browser, scopes) };
}

/** Runs git as a person would who answers its question for the password. */
async function git(args: string[], password?: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const helper = '!f() { echo username=anybody; echo "password=$TOKEN"; }; f';
  const settings = password === undefined ? [] : ['-c', `credential.helper=${helper}`];
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    TOKEN: password ?? '',
  };
  try {
    return { code: 0, ...(await run('git', ['-c', 'credential.helper=', ...settings, ...args], { env })) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-clone-'));
  closeAtEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const basic = (token: string, user = 'x') => `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;

test('git clones a project with a token as the password, whatever the user name', async () => {
  const { app, world, token } = await startWithToken();
  const folder = join(makeFolder(), 'demo');
  expect(await git(['clone', '--quiet', app.url + CLONE, folder], token)).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, 'src/greet.ts'), 'utf8')).toContain('Dear');
  const { stdout } = await git(['-C', folder, 'rev-parse', 'HEAD']);
  expect(stdout.trim()).toBe(world.git.commits.get('merge'));
  expect((await git(['-C', folder, 'fetch', '--quiet'], token)).code).toBe(0);
  expect((await git(['-c', 'protocol.version=0', 'ls-remote', app.url + CLONE], token)).stdout).toContain(
    'refs/heads/main',
  );
});

test('below a path of its own, a server is cloned from, paged through and read as well', async () => {
  const app = await startApp({ externalUrl: 'http://localhost:<port>/gate' });
  await makeWorld(app);
  const browser = openBrowser({ url: `${app.url}/gate` });
  await signInWithPassword(browser);
  const token = await makeAccessToken(browser, ['read_projects']);
  const answer = await request(app.url)
    .get('/gate/api/v4/projects/root%2Fdemo/pull_requests?per_page=1')
    .set('PRIVATE-TOKEN', token)
    .expect(200);
  expect(answer.headers['link']).toContain(
    `<${app.url}/gate/api/v4/projects/root%2Fdemo/pull_requests?per_page=1&page=2>; rel="next"`,
  );
  const project = await request(app.url)
    .get('/gate/api/v4/projects/root%2Fdemo')
    .set('PRIVATE-TOKEN', token)
    .expect(200);
  const { http_url_to_repo: address } = project.body as { http_url_to_repo: string };
  expect(address).toBe(`${app.url}/gate/projects/root/demo.git`);
  expect((await git(['ls-remote', address], token)).stdout).toContain('refs/heads/main');
  const { text } = await browser.get('/projects/root/demo/pull_requests/1').expect(200);
  expect(text).toContain('src="/gate/projects/root/demo/attachments/1"');
  expect([...text.matchAll(/(?:href|src|action)="(\/(?!gate\/)[^"]*)"/g)].map(([, path]) => path)).toEqual([]);
});

test('a token may be sent as bearer, too', async () => {
  const { app, token } = await startWithToken();
  const header = `http.extraHeader=Authorization: Bearer ${token}`;
  const { stdout } = await git(['-c', header, 'ls-remote', app.url + CLONE]);
  expect(stdout).toContain('refs/tags/v1.0');
});

test('without a token, with a wrong one or one without the scope nothing is told, not even which projects there are', async () => {
  const { app, token } = await startWithToken(['read_user']);
  const refs = (path: string) => request(app.url).get(`${path}/info/refs?service=git-upload-pack`);
  for (const path of [CLONE, '/projects/root/nothing.git']) {
    const stranger = await refs(path).expect(401);
    expect(stranger.headers['www-authenticate']).toMatch(/^Basic realm="Gatehouse/);
    const wrong = await refs(path)
      .set('Authorization', basic(`gatehouse-${'A'.repeat(43)}`))
      .expect(401);
    expect(wrong.headers['www-authenticate']).toMatch(/^Basic realm="Gatehouse/);
    await refs(path).set('Authorization', basic(token)).expect(403);
    await refs(path).set('Authorization', 'Basic !!!').expect(401);
  }
  expect((await git(['ls-remote', app.url + CLONE], 'no token')).stderr).toContain('Authentication failed');
});

test('the session of a browser opens no repository to git, and asks for none of its forms', async () => {
  const { app } = await startWithToken();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  await browser.get(`${CLONE}/info/refs?service=git-upload-pack`).expect(401);
  await browser.post(`${CLONE}/git-upload-pack`).expect(401);
});

test('who opens the address of a clone in a browser gets to the project', async () => {
  const { app } = await startWithToken();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  expect((await browser.get(CLONE).expect(303)).headers['location']).toBe('/projects/root/demo');
});

test('only so many clones are served at once, half of them to one person; the others are told when to come again', async () => {
  const { app, token } = await startWithToken();
  const [mia, ida] = [await tokenOfAdministrator(app, 'mia'), await tokenOfAdministrator(app, 'ida')];
  const waiting: ClientRequest[] = [];
  // A request whose body does not come keeps its git waiting.
  const hold = (whose: string) => {
    const { port, host } = new URL(app.url);
    const headers = {
      Authorization: basic(whose),
      'Content-Type': 'application/x-git-upload-pack-request',
      Host: host,
    };
    const held = httpRequest({ port, method: 'POST', path: `${CLONE}/git-upload-pack`, headers });
    held.on('error', () => undefined).write('0');
    waiting.push(held);
  };
  const refs = (whose: string) =>
    request(app.url).get(`${CLONE}/info/refs?service=git-upload-pack`).set('Authorization', basic(whose));
  const holdUntil = (whose: string, status: number) =>
    until(async () => {
      hold(whose);
      return (await refs(whose)).status === status;
    });
  await holdUntil(token, 429);
  expect(waiting.length).toBeGreaterThanOrEqual(8);
  const told = await refs(token).expect(429);
  expect([told.headers['retry-after'], told.text]).toEqual(['10', expect.stringContaining('8 clones of yours')]);
  await refs(mia).expect(200);
  await until(async () => {
    hold(mia);
    return (await refs(ida)).status === 503;
  });
  expect((await refs(ida).expect(503)).headers['retry-after']).toBe('10');
  for (const held of waiting) held.destroy();
  await until(async () => (await refs(token)).status === 200);
});

async function tokenOfAdministrator(app: TestApp, username: string): Promise<string> {
  await makeAccount(app, { username, admin: 1, password: PASSWORD });
  const browser = openBrowser(app);
  await signInWithPassword(browser, username, PASSWORD);
  return makeAccessToken(browser, ['read_projects']);
}

test('somebody else’s project is not there for git either; git says so in words (IM-036)', async () => {
  const { app, world, token } = await startWithToken();
  await makeAccount(app, { username: 'mia', name: 'Mia', state: 'active', admin: 0 });
  const { db } = app.services;
  await db
    .updateTable('projects')
    .set({ owner_id: await idOf(db, 'mia') })
    .where('id', '=', world.project.id)
    .execute();
  await db.updateTable('accounts').set({ admin: 0 }).where('username', '=', 'root').execute();
  const answer = await request(app.url)
    .get(`${CLONE}/info/refs?service=git-upload-pack`)
    .set('Authorization', basic(token));
  expect([answer.status, answer.type]).toEqual([404, 'text/plain']);
  expect((await git(['ls-remote', app.url + CLONE], token)).stderr).toContain('not found');
});

test('nothing but reading is served: no pushing, no files of the repository (IM-045)', async () => {
  const { app, token } = await startWithToken();
  const get = (path: string) =>
    request(app.url)
      .get(CLONE + path)
      .set('Authorization', basic(token));
  await get('/info/refs?service=git-receive-pack').expect(403);
  await request(app.url).post(`${CLONE}/git-receive-pack`).set('Authorization', basic(token)).expect(403);
  for (const path of [
    '/info/refs',
    '/HEAD',
    '/config',
    '/objects/info/packs',
    '/hooks/post-update',
    '/refs/heads/main',
    '/..%2f..%2fgatehouse.yml',
  ]) {
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  }
});

describe('Git LFS', () => {
  const batch = (app: TestApp, token: string, body: object, path = CLONE) =>
    request(app.url)
      .post(`${path}/info/lfs/objects/batch`)
      .set({ Authorization: basic(token), Accept: 'application/vnd.git-lfs+json' })
      .set('Content-Type', 'application/vnd.git-lfs+json')
      .send(JSON.stringify(body));
  interface BatchReply {
    objects: { oid: string; size: number; actions?: { download: { href: string } }; error?: { code: number } }[];
  }

  test('objects that are here can be downloaded, others are named as missing', async () => {
    const { app, world, token } = await startWithToken();
    const [[oid, content]] = [...world.git.lfs] as [[string, Buffer]];
    const absent = 'f'.repeat(64);
    await saveLfsObjects(app.services.db, world.project.id, [{ oid: absent, size: 9, present: 0 }]);
    const answer = await batch(app, token, {
      operation: 'download',
      objects: [
        { oid, size: content.length },
        { oid: absent, size: 9 },
        { oid: '../x', size: 1 },
      ],
    });
    expect([answer.status, answer.headers['content-type']]).toEqual([
      200,
      'application/vnd.git-lfs+json; charset=utf-8',
    ]);
    const { objects } = JSON.parse(answer.text) as BatchReply;
    expect(objects.map(({ error }) => error?.code)).toEqual([undefined, 404, 404]);
    const { href } = objects[0]!.actions!.download;
    expect(href).toBe(`${app.url}${CLONE}/info/lfs/objects/${oid}`);
    const object = await request(app.url).get(new URL(href).pathname).set('Authorization', basic(token)).expect(200);
    expect((object.body as Buffer).toString()).toBe(content.toString());
    await request(app.url).get(new URL(href).pathname).expect(401);
    await request(app.url).get(`${CLONE}/info/lfs/objects/${absent}`).set('Authorization', basic(token)).expect(404);
  });

  test('an object of another project is not to be had by its name (IM-025)', async () => {
    const { app, world, token } = await startWithToken();
    await makeProject(app, { name: 'other' });
    const [oid] = [...world.git.lfs.keys()] as [string];
    const other = '/projects/root/other.git';
    const answer = await batch(app, token, { operation: 'download', objects: [{ oid, size: 1 }] }, other);
    expect((JSON.parse(answer.text) as BatchReply).objects).toMatchObject([{ oid, error: { code: 404 } }]);
    await request(app.url).get(`${other}/info/lfs/objects/${oid}`).set('Authorization', basic(token)).expect(404);
  });

  test('uploading is refused, and so is what is no batch', async () => {
    const { app, token } = await startWithToken();
    expect((await batch(app, token, { operation: 'upload', objects: [] })).status).toBe(403);
    for (const body of [{}, { operation: 'download' }, { operation: 'download', objects: [{ oid: 1 }] }]) {
      expect((await batch(app, token, body)).status).toBe(400);
    }
    expect(
      (await request(app.url).post(`${CLONE}/info/lfs/locks`).set('Authorization', basic(token)).send({})).status,
    ).toBe(404);
  });
});

test('a repository whose folder is not there is told as that, to people and to git', async () => {
  const { app, world, token } = await startWithToken();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  await browser.get('/projects/root/demo/branches').expect(200);
  rmSync(repositoryDir(app.services.config(), world.project.id), { recursive: true });
  const refused = await browser.get('/projects/root/demo/branches').expect(503);
  expect(refused.text).toContain('files of this project are not here');
  const { code, stderr } = await git(['ls-remote', app.url + CLONE], token);
  expect([code, stderr]).toEqual([128, expect.stringContaining('503')]);
  await browser.get('/projects/root/demo').expect(200);
});
