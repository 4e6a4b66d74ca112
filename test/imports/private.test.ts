// What an import must not do with what it finds: unpack it, fetch it from elsewhere, write to people, show it to others.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import request from 'supertest';
import { findImport } from '../../src/imports/store.ts';
import { resync, retryImport } from '../../src/imports/start.ts';
import { attachmentsDir } from '../../src/projects/places.ts';
import { manyPullRequests } from '../../src/sandbox/many-pull-requests.ts';
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { listenTo } from '../hostile/recorder.ts';
import { smtpYaml, startMailServer } from '../support/mail-server.ts';
import { makeAccessToken, openAs, openAsRoot, submit } from '../support/people.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { until } from '../support/until.ts';
import type { World } from './world.ts';
import { ask, EVERYTHING, giveConsent, importAll, makePerson, startWorker, startWorld, waitFor } from './world.ts';

const MANY = 'acme/many';
const WITH_SIGN_IN = [...EVERYTHING, 'email'];
const MEGABYTES = 20;

/** A public repository with one pull request that says this; only of public ones Bitbucket gives images to everybody. */
async function startWith(text: (web: string) => string, images: Record<string, Buffer> = {}): Promise<World> {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 1, fullName: MANY })] } });
  const repository = world.sandbox.repository(MANY);
  repository.isPrivate = false;
  for (const [name, content] of Object.entries(images)) repository.images.set(name, content);
  repository.pullRequests[0]!.description = text(`${world.sandbox.url}repo/${repository.imageKey}/images/`);
  return world;
}

const attachmentsOf = ({ app }: World) =>
  app.services.db.selectFrom('attachments').selectAll().orderBy('source_url').execute();

/** A ZIP archive with one entry, which becomes a thousand times as large. */
function zipBomb(): Buffer {
  const content = Buffer.alloc(MEGABYTES * 1024 * 1024);
  const packed = deflateRawSync(content);
  const name = Buffer.from('../../bomb');
  const described = Buffer.alloc(26);
  described.writeUInt16LE(20, 0); // version
  described.writeUInt16LE(8, 4); // deflated
  described.writeUInt32LE(crc32(content), 10);
  described.writeUInt32LE(packed.length, 14);
  described.writeUInt32LE(content.length, 18);
  described.writeUInt16LE(name.length, 22);
  const entry = Buffer.concat([Buffer.from('PK\x03\x04'), described, name, packed]);
  const listed = Buffer.concat([
    Buffer.from('PK\x01\x02\x14\x00'),
    described,
    Buffer.alloc(14), // comment, disk, attributes, offset of the entry
    name,
  ]);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(1, 4);
  end.writeUInt16LE(1, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(entry.length, 12);
  return Buffer.concat([entry, listed, Buffer.from('PK\x05\x06'), end]);
}

test('archives come as the bytes they are, are never unpacked, and are given out as downloads that open nothing (IM-030, IM-031)', async () => {
  const bombs = { '1-bomb.zip': zipBomb(), '2-bomb.gz': gzipSync(Buffer.alloc(MEGABYTES * 1024 * 1024)) };
  const world = await startWith(
    (place) =>
      Object.keys(bombs)
        .map((name) => `![x](${place}${name})`)
        .join('\n'),
    bombs,
  );
  expect(await importAll(world, MANY)).toMatchObject({ status: 'done', failures: [] });
  const { app } = world;
  const rows = await attachmentsOf(world);
  const dir = attachmentsDir(app.services.config(), rows[0]!.project_id);
  const root = await openAsRoot(app);
  expect(readdirSync(dir)).toHaveLength(2);
  for (const [index, [name, bytes]] of Object.entries(bombs).entries()) {
    const { file, name: kept } = rows[index]!;
    expect(kept).toBe(name);
    expect(Buffer.compare(readFileSync(join(dir, file!)), bytes)).toBe(0);
    const given = await root.get(`/projects/ada/many/attachments/${file}`).buffer(true).expect(200);
    expect(given.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename=${name}`,
      'content-length': String(bytes.length),
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    });
    expect(given.headers).not.toHaveProperty('content-encoding');
    expect(Buffer.compare(given.body as Buffer, bytes)).toBe(0);
  }
  const page = await root.get('/projects/ada/many/pull_requests/1').expect(200);
  expect(page.text).not.toMatch(/<img[^>]+attachments/); // a link, for downloading
});

test('an image that is sent packed, so that it could be anything when unpacked, is not taken (IM-031)', async () => {
  const world = await startWith((place) => `![x](${place}1-image.png)`, { '1-image.png': Buffer.from('x') });
  const bytes = gzipSync(Buffer.alloc(MEGABYTES * 1024 * 1024));
  world.sandbox.fault('image', { kind: 'answer', headers: { 'Content-Encoding': 'gzip' }, bytes });
  const { id } = await ask(world, MANY);
  startWorker(world);
  const state = await waitFor(world, id, ({ status }) => status === 'partial');
  expect(state.failures).toMatchObject([{ kind: 'attachment' }]);
  expect(await attachmentsOf(world)).toMatchObject([{ file: null }]);
});

test('an image that lies in storage elsewhere comes, and nothing of ours goes along (IM-027)', async () => {
  const world = await startWith((place) => `![x](${place}1-image.png)`, { '1-image.png': Buffer.from('here') });
  const seen: Record<string, unknown>[] = [];
  const storage = createServer((req, res) => {
    seen.push(req.headers);
    res.writeHead(200, { 'Content-Type': 'image/png' }).end('there');
  });
  await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
  closeAtEnd(() => void storage.close());
  const to = `http://127.0.0.1:${(storage.address() as AddressInfo).port}/x?X-Amz-Signature=s3cret`;
  world.sandbox.fault('image', { kind: 'answer', status: 302, headers: { Location: to }, text: '' });
  expect(await importAll(world, MANY)).toMatchObject({ status: 'done', failures: [] });
  const [row] = await attachmentsOf(world);
  const path = join(attachmentsDir(world.app.services.config(), row!.project_id), row!.file!);
  expect(readFileSync(path, 'utf8')).toBe('there');
  expect(seen).toHaveLength(1);
  for (const header of ['authorization', 'cookie', 'referer']) expect(seen[0]).not.toHaveProperty(header);
  expect(world.sandbox.requestsTo('image').every(({ headers }) => headers.authorization === undefined)).toBe(true);
  expect(JSON.stringify([row, world.app.log])).not.toContain('s3cret');
});

test('nobody else is asked for what texts name: other hosts, this machine, files, data (IM-003, IM-028, IM-034)', async () => {
  const elsewhere = await listenTo(closeAtEnd);
  const images = Array.from({ length: 10_000 }, (_, index) => `![](${elsewhere.url}${index}.png)`);
  const others = [
    `${elsewhere.url}repo/BgzgjpR/images/1-a.png`,
    `${elsewhere.url}%7B%7D/%7B7f5a3a6c-2b1d-4c8e-9f00-0123456789ab%7D/images/1-a.png`,
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'data:image/png;base64,AAAA',
  ];
  const world = await startWith(() => [...others.map((address) => `![x](${address})`), ...images].join('\n'));
  const own = `${world.app.url}/repo/BgzgjpR/images/2-a.png`;
  world.sandbox.repository(MANY).pullRequests[0]!.description += `\n![x](${own})`;
  expect(await importAll(world, MANY)).toMatchObject({ status: 'done', failures: [] });
  expect(elsewhere.requests).toEqual([]);
  expect(world.app.log.filter((line) => line.includes('/repo/'))).toEqual([]);
  expect(await attachmentsOf(world)).toEqual([]);
});

test('redirects of the API, of diffs, git and LFS to elsewhere bring nobody there (IM-002, IM-003, IM-022)', async () => {
  const elsewhere = await listenTo(closeAtEnd);
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  const { services } = world.app;
  const { id } = await ask(world, 'acme/odd-parts');
  world.sandbox.counts.clear();
  for (const routes of [['repository'], ['git'], ['pullrequests'], ['diff', 'lfs', 'comments']] as const) {
    world.sandbox.clearFaults();
    for (const route of routes)
      world.sandbox.fault(route, { kind: 'answer', status: 302, headers: { Location: elsewhere.url }, text: '' });
    const row = (await findImport(services.db, id))!;
    if (row.status !== 'queued') await retryImport(services, row);
    const worker = startWorker(world);
    const state = await waitFor(world, id, ({ status }) => !['queued', 'running'].includes(status));
    await worker.stop();
    expect([routes, state.status]).not.toEqual([routes, 'done']);
    for (const route of routes) expect([route, world.sandbox.counts.has(route)]).toEqual([route, true]);
  }
  expect(elsewhere.requests).toEqual([]);
});

test('people who are named in what is imported get no mail, and no address of theirs is shown (IM-035)', async () => {
  const mail = await startMailServer();
  const repositories = [makeSmallSample, makeOddSample];
  const world = await startWorld({ yaml: smtpYaml(mail), scopes: WITH_SIGN_IN, sandbox: { repositories } });
  const { app, sandbox } = world;
  await openAs(app, sandbox, 'alice');
  await openAs(app, sandbox, 'bob');
  const addresses = ['alice@example.test', 'alice.old@example.test', 'bob@example.test'];
  const known = app.services.db.selectFrom('accounts').select('email').where('email', 'in', addresses);
  expect((await known.execute()).length).toBeGreaterThan(0);
  mail.letters.length = 0;

  const source = sandbox.repository('acme/odd-parts');
  const { accountId } = sandbox.person('alice');
  source.pullRequests[0]!.description += ` @{${accountId}} @alice please look`;
  await importAll(world, 'acme/odd-parts');
  const { id } = await ask(world, 'acme/odd-parts');
  await waitFor(world, id);

  const root = await openAsRoot(app);
  const { id: projectId } = await app.services.db.selectFrom('projects').select('id').executeTakeFirstOrThrow();
  const named = source.pullRequests.filter(({ description, comments }) =>
    [description, ...comments.map(({ raw }) => raw)].some((text) => text.includes('@')),
  );
  const numbers = named.map(({ id: number }) => number);
  expect(numbers.length).toBeGreaterThan(1);
  const pages = ['', '/branches', '/tags', '/people', '/pull_requests'].map((path) => `/projects/ada/odd-parts${path}`);
  const api = ['', '/people', '/pull_requests'].map((path) => `/api/v4/projects/${projectId}${path}`);
  for (const number of numbers) {
    for (const path of ['', '/commits', '/diff']) pages.push(`/projects/ada/odd-parts/pull_requests/${number}${path}`);
    for (const path of ['', '/comments', '/tasks'])
      api.push(`/api/v4/projects/${projectId}/pull_requests/${number}${path}`);
  }
  let mentions = 0;
  for (const path of [...pages, ...api]) {
    const { text } = await root.get(path).expect(200);
    if (text.includes('Alice Example')) mentions += 1;
    for (const address of addresses) expect([path, text.includes(address)]).toEqual([path, false]);
  }
  expect(mentions).toBeGreaterThan(3);

  // Mail would have come, and in this order.
  await openAs(app, sandbox, 'alice');
  await until(() => mail.letters.length > 0);
  expect(mail.letters.map(({ subject }) => subject)).toEqual(['Sign-in from a new device']);
});

test('two people have imported the same; who loses it at Bitbucket cannot bring it up to date, and the other one can (IM-036)', async () => {
  const world = await startWorld({ sandbox: { repositories: [manyPullRequests({ count: 5, fullName: MANY })] } });
  const { app, sandbox } = world;
  const account = await makePerson(app, 'eve');
  const other = { ...world, account, credentialId: await giveConsent({ app, sandbox, account }, 'bob', EVERYTHING) };
  const imports = [await ask(world, MANY), await ask(other, MANY)];
  startWorker(world);
  for (const { id } of imports) expect(await waitFor(world, id)).toMatchObject({ status: 'done' });
  sandbox.person('bob').memberships = [];

  const again = async ({ account: { id, username }, credentialId }: World) => {
    const projects = app.services.db.selectFrom('projects').selectAll().where('owner_id', '=', id);
    const project = await projects.executeTakeFirstOrThrow();
    const begun = await resync(app.services, { project, account: { id, username }, credentialId });
    return waitFor(world, begun.id);
  };
  expect(await again(other)).toMatchObject({
    status: 'failed',
    reason: 'Bitbucket has this repository no more, or does not show it to you.',
  });
  expect(await again(world)).toMatchObject({ status: 'done' });
  const counts = await app.services.db
    .selectFrom('pull_requests')
    .select((eb) => ['project_id', eb.fn.countAll<number | string>().as('count')])
    .groupBy('project_id')
    .execute();
  expect(counts.map(({ count }) => Number(count))).toEqual([5, 5]); // what they had is still theirs
});

test('an import of somebody else is nowhere: not in lists, states or logs, and not to be stopped or begun again (IM-037)', async () => {
  const world = await startWorld({
    scopes: WITH_SIGN_IN,
    sandbox: { repositories: [manyPullRequests({ count: 1, fullName: MANY })] },
  });
  const { id } = await ask(world, MANY);
  const eve = await openAs(world.app, world.sandbox, 'bob');
  for (const path of [`/imports/${id}`, `/imports/${id}.json`])
    expect([path, (await eve.get(path)).status]).toEqual([path, 404]);
  expect((await eve.get('/import/bitbucket/realtime_changes.json').expect(200)).body).toEqual([]);
  expect((await eve.get('/imports').expect(200)).text).not.toContain(MANY);
  for (const act of ['cancel', 'retry', 'resync'])
    expect([act, (await submit(eve, '/imports', `/imports/${id}/${act}`)).status]).toEqual([act, 404]);
  const token = await makeAccessToken(eve, ['read_projects']);
  const { project_id: projectId } = (await findImport(world.app.services.db, id))!;
  const asked = request(world.app.url).get(`/api/v4/projects/${projectId}/import`).set('PRIVATE-TOKEN', token);
  await asked.expect(404);
  expect((await findImport(world.app.services.db, id))?.status).toBe('queued');
});

test('every file of an import is for the user of the server alone, and lies where our ids say (IM-044)', async () => {
  const world = await startWorld({ sandbox: { repositories: [makeSmallSample, makeOddSample] } });
  world.sandbox.repository('acme/odd-parts').isPrivate = false;
  await importAll(world, 'acme/odd-parts');
  const { dataDir } = world.app;
  const files = ['repositories', 'projects'].flatMap((place) =>
    readdirSync(join(dataDir, place), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name)),
  );
  const isClosed = (path: string): boolean =>
    path !== dataDir && ((statSync(path).mode & 0o077) === 0 || isClosed(dirname(path)));
  expect(files.filter((path) => !isClosed(path) || statSync(path).uid !== process.getuid?.())).toEqual([]);
  const OURS =
    /^(repositories\/1\.git\/|projects\/1\/(snapshots\/\d+\.(diff|patch)|attachments\/[0-9a-f]{64}|lfs\/[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{64})$)/;
  const places = files.map((path) => relative(dataDir, path));
  expect(places.filter((path) => !OURS.test(path))).toEqual([]);
  for (const part of ['snapshots', 'attachments', 'lfs'])
    expect([part, places.some((path) => path.includes(`/${part}/`))]).toEqual([part, true]);
});
