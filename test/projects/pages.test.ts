// Pages of imported projects, as their owner sees them; on both databases.
import { rmSync } from 'node:fs';
import { saveComments, savePeople, savePullRequests } from '../../src/projects/records.ts';
import { repositoryDir } from '../../src/projects/places.ts';
import type { Browser } from '../support/people.ts';
import { makeAccount, openBrowser, signInWithPassword, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';
import { comment, makeProject, pullRequest } from './make.ts';
import { ALICE, makeWorld, PNG } from './world.ts';

async function startSignedIn(): Promise<{ app: TestApp; browser: Browser }> {
  const app = await startApp();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  return { app, browser };
}

const DEMO = '/projects/root/demo';

/** What stands in a page, without its tags. */
async function textOf(browser: Browser, path: string): Promise<string> {
  const { text } = await browser.get(path).expect(200);
  const main = text.slice(text.indexOf('<main'), text.indexOf('</main>'));
  const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', '#39': "'", quot: '"', '#34': '"' };
  return main
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole)
    .replace(/\s+/g, ' ');
}

test('the list names the projects, what is in them, and what is still on its way', async () => {
  const { app, browser } = await startSignedIn();
  expect(await textOf(browser, '/projects')).toContain('No projects yet');
  await makeWorld(app);
  await makeProject(app, { name: 'half' }, { published: false });
  const text = await textOf(browser, '/projects');
  expect(text).toContain('root/demo private Says hello.');
  expect(text).toContain('3 commits · 4 pull requests');
  expect(text).toContain('Being imported root/half from acme/half');
  expect(await textOf(browser, '/projects?q=HELLO')).toContain('root/demo');
  expect(await textOf(browser, '/projects?q=nothing')).toContain('No project is found for “nothing”.');
  expect((await browser.get('/')).text).toContain('href="/projects"');
});

test('the list leads to importing where that is possible, and says so where it is not', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  await signInWithPassword(browser);
  expect((await browser.get('/projects')).text).toContain('href="/import/bitbucket/status">Import from Bitbucket</a>');
  app.reconfigure('');
  expect(await textOf(browser, '/projects')).toContain('Importing is not set up here, or switched off.');
});

test('a project shows its README, its numbers, and the address to clone it from', async () => {
  const { app, browser } = await startSignedIn();
  await makeWorld(app);
  const { text: html } = await browser.get(DEMO).expect(200);
  expect(html).toContain(`git clone ${app.url}/projects/root/demo.git`);
  expect(html).toContain('<h3>Demo</h3>');
  expect(html).toContain('href="https://bitbucket.org/acme/demo/src/main/docs/guide.md"');
  expect(html).not.toContain('<script>window');
  const text = await textOf(browser, DEMO);
  for (const part of [
    '2 branches',
    '1 tag ',
    '3 commits',
    '4 pull requests',
    '4 comments',
    '2 tasks',

    '1 LFS object ',
    '2 attachments',
  ])
    expect(text).toContain(part);
  expect(text).toContain('<script>window.__xss=1</script>');
  const branches = await textOf(browser, `${DEMO}/branches`);
  expect(branches).toContain('Branches (2) Tags (1)');
  expect(branches).toMatch(/feature\/ü .* main default/);
  expect(await textOf(browser, `${DEMO}/tags`)).toContain('v1.0');
  expect(await textOf(browser, `${DEMO}/people`)).toMatch(/Alice Liddell no account here .* Bob no account here/);
});

test('pull requests are listed with their state, and narrowed by state and search', async () => {
  const { app, browser } = await startSignedIn();
  await makeWorld(app);
  const all = await textOf(browser, `${DEMO}/pull_requests`);
  expect(all).toContain('All (4) Open (1) Merged (1) Declined (1) Superseded (1)');
  expect(all).toContain('Greet politely #1 by Alice Liddell');
  expect(all).toContain('polite → main Merged 1 approval 3 comments 2 tasks');
  expect(all).toContain('From a fork #2 by Former user');
  const open = await textOf(browser, `${DEMO}/pull_requests?state=open`);
  expect([open.includes('From a fork'), open.includes('Greet politely')]).toEqual([true, false]);
  expect(await textOf(browser, `${DEMO}/pull_requests?q=liddell`)).toContain('All (1)');
  expect(await textOf(browser, `${DEMO}/pull_requests?q=zzz`)).toContain('No pull request is found for “zzz”.');
  expect(await textOf(browser, `${DEMO}/pull_requests?state=merged&q=fork`)).toContain('No pull request is found');
});

test('the conversation has threads with their lines, answers, tasks, reviews and what happened', async () => {
  const { app, browser } = await startSignedIn();
  await makeWorld(app);
  const text = await textOf(browser, `${DEMO}/pull_requests/1`);
  expect(text).toContain('Greet politely #1 Merged Alice Liddell · polite → main');
  expect(text).toContain('Hi @Bob , look:');
  expect(text).toContain('src/greet.ts line 2 resolved by Alice Liddell');
  expect(text).toMatch(
    /return `Hello \$\{name\}`; 2 \+ return `Dear \$\{name\}`; .* Bob .* Why Dear \? Say why Task of Bob, resolved by Alice Liddell/,
  );
  expect(text).toMatch(
    /Why Dear .* Alice Liddell .* edited It is polite\. .* Former user .* This comment was deleted at Bitbucket\./,
  );
  expect(text).toContain('src/greet.ts line 9 outdated');
  expect(text).toMatch(/From before Bob approved .* Bob merged it/);
  expect(text).toMatch(/Reviews B Bob approved .* AL Alice Liddell took part/);
  expect(text).toContain('Tasks 1 of 2 resolved');
  expect(text).not.toContain(' gone ');

  const declined = await textOf(browser, `${DEMO}/pull_requests/3`);
  expect(declined).toContain('Why it was closed Not now, sorry');
  expect(declined).toContain('Kept is what it showed as their changes.');
  expect(await textOf(browser, `${DEMO}/pull_requests/2`)).toContain('deleted fork:feature-2');
});

test('changes come from git by full or short hash, from a snapshot, or are said to be lost', async () => {
  const { app, browser } = await startSignedIn();
  const { project, git } = await makeWorld(app);
  const first = await textOf(browser, `${DEMO}/pull_requests/1/diff`);
  expect(first).toContain('1 file, +1 −1 lines');
  expect(first).toMatch(/2 \+ return `Dear \$\{name\}`; resolved by Alice Liddell B Bob .* Why Dear \?/);
  expect(await textOf(browser, `${DEMO}/pull_requests/2/diff`)).toContain('src/bye.ts added +1 −0');
  const third = await textOf(browser, `${DEMO}/pull_requests/3/diff`);
  expect(third).toMatch(/Shown as Bitbucket had recorded it .* s\.txt \+1 −1 … 1 − was 1 \+ is/);
  expect(await textOf(browser, `${DEMO}/pull_requests/4/diff`)).toContain('The changes are lost');

  const api = (number: number) => browser.get(`/api/v4/projects/${project.id}/pull_requests/${number}/diff`);
  const data = (await api(1).expect(200)).body as { files: unknown[] };
  expect(data).toMatchObject({
    by: 'git',
    from: git.commits.get('first'),
    to: git.commits.get('greet'),
    truncated: false,
  });
  expect(data.files).toMatchObject([
    { old_path: 'src/greet.ts', new_path: 'src/greet.ts', lines_added: 1, lines_removed: 1 },
  ]);
  expect((await api(3).expect(200)).body).toMatchObject({ by: 'snapshot', from: null, to: null });
  await api(4).expect(404);
});

test('a thread on a line that the changes do not show names the line, in the conversation and at the head of the file', async () => {
  const { app, browser } = await startSignedIn();
  const { project } = await makeWorld(app);
  const inline = (place: object) => JSON.stringify({ path: 'src/greet.ts', from: null, to: null, ...place });
  await saveComments(app.services.db, project.id, [
    comment(901, { number: 1, body: 'Far below', inline: inline({ start_to: 70, to: 77 }) }),
    comment(902, { number: 1, body: 'Of all of it', inline: inline({}) }),
  ]);
  for (const page of ['', '/diff']) {
    const text = await textOf(browser, `${DEMO}/pull_requests/1${page}`);
    expect(text).toMatch(/src\/greet\.ts lines 70 to 77, not among the lines shown .{0,80}Far below/);
    expect(text).toMatch(/src\/greet\.ts the whole file .{0,80}Of all of it/);
    expect(text).not.toContain('line 2, not among');
  }
});

test('when its own commits are lost, a merge shows what it has brought', async () => {
  const { app, browser } = await startSignedIn();
  const { project, git } = await makeWorld(app);
  await savePullRequests(app.services.db, project.id, [
    pullRequest(5, {
      state: 'merged',
      source_commit: '0'.repeat(40),
      merge_commit: git.commits.get('merge')!.slice(0, 12),
    }),
  ]);
  const text = await textOf(browser, `${DEMO}/pull_requests/5/diff`);
  expect(text).toMatch(/Shown is what its merge has brought .* src\/greet\.ts/);
});

test('commits are listed with their messages, or it is said why there are none', async () => {
  const { app, browser } = await startSignedIn();
  await makeWorld(app);
  expect(await textOf(browser, `${DEMO}/pull_requests/1/commits`)).toMatch(
    /Greet politely Sandbox · 1 Jan 2026, 00:02 UTC [0-9a-f]{12}/,
  );
  expect(await textOf(browser, `${DEMO}/pull_requests/4/commits`)).toContain('neither them nor their changes any more');
});

test('attachments: pictures are shown, everything else is downloaded into nobody’s place (IM-030)', async () => {
  const { app, browser } = await startSignedIn();
  await makeWorld(app);
  const html = (await browser.get(`${DEMO}/pull_requests/1`).expect(200)).text;
  expect(html).toContain(`<img src="${DEMO}/attachments/1" alt="A picture" loading="lazy">`);
  expect(html).toContain('<a href="https://evil.test/p.gif" rel="nofollow noopener noreferrer">elsewhere</a>');
  const picture = await browser.get(`${DEMO}/attachments/1`).expect(200);
  expect(picture.headers).toMatchObject({ 'content-type': 'image/png', 'x-content-type-options': 'nosniff' });
  expect(Buffer.compare(picture.body as Buffer, PNG)).toBe(0);
  const page = await browser.get(`${DEMO}/attachments/2`).expect(200);
  expect(page.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment; filename=page.html',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  });
  for (const file of ['3', '..%2F1', '%2e%2e%2f1', '1%00']) {
    expect([file, (await browser.get(`${DEMO}/attachments/${file}`)).status]).toEqual([file, 404]);
  }
});

test('pictures of the repository are shown in its README; nothing else is given out of it (IM-014)', async () => {
  const { app, browser } = await startSignedIn();
  await makeWorld(app);
  const html = (await browser.get(DEMO).expect(200)).text;
  expect(html).toContain(`<img src="${DEMO}/pictures/docs/the%20dot.png" alt="Dot" loading="lazy">`);
  const picture = await browser.get(`${DEMO}/pictures/docs/the%20dot.png`).expect(200);
  expect([picture.type, Buffer.compare(picture.body as Buffer, PNG)]).toEqual(['image/png', 0]);
  expect(picture.headers['content-security-policy']).toBe("default-src 'none'; sandbox");
  for (const path of ['docs/no.png', 'docs/link.png', 'README.md', 'docs', 'none.png', '..%2f..%2fx.png', '%00.png']) {
    expect([path, (await browser.get(`${DEMO}/pictures/${path}`)).status]).toEqual([path, 404]);
  }
});

test('an empty project, and one whose repository is not there yet, have pages all the same (IR-028)', async () => {
  const { app, browser } = await startSignedIn();
  await makeProject(app, { default_branch: null });
  expect(await textOf(browser, DEMO)).toContain('This repository is empty');
  expect(await textOf(browser, `${DEMO}/pull_requests`)).toContain('There was none at Bitbucket');
  expect(await textOf(browser, `${DEMO}/people`)).toContain('Nobody yet');
  const half = await makeProject(app, { name: 'half' }, { published: false });
  await savePullRequests(app.services.db, half.id, [pullRequest(1)]);
  for (const path of ['', '/branches', '/pull_requests/1', '/pull_requests/1/diff', '/pull_requests/1/commits']) {
    expect(await textOf(browser, `/projects/root/half${path}`)).toContain('The import is not through yet');
  }
});

test('nobody but the owner and administrators finds any page of a project (IM-036)', async () => {
  const { app, browser } = await startSignedIn();
  await makeWorld(app);
  await makeAccount(app, { username: 'eve', name: 'Eve', state: 'active', admin: 0 });
  const { db } = app.services;
  const root = await db
    .selectFrom('accounts')
    .select('password_hash')
    .where('username', '=', 'root')
    .executeTakeFirstOrThrow();
  await db.updateTable('accounts').set({ password_hash: root.password_hash }).where('username', '=', 'eve').execute();
  const eve = openBrowser(app);
  await signInWithPassword(eve, 'eve');
  const pages = [
    '',
    '/branches',
    '/tags',
    '/people',
    '/pull_requests',
    '/pull_requests/1',
    '/pull_requests/1/diff',
    '/pull_requests/1/commits',
    '/attachments/1',
    '/pictures/docs/the%20dot.png',
  ];
  for (const path of pages) {
    await browser.get(DEMO + path).expect(200);
    await eve.get(DEMO + path).expect(404);
    const stranger = await openBrowser(app)
      .get(DEMO + path)
      .expect(303);
    expect(stranger.headers['location']).toMatch(/^\/users\/sign_in\?return_to=/);
  }
  expect(await textOf(eve, '/projects')).toContain('No projects yet');
});

test('hostile names, titles, branches, paths and commits are text everywhere (IM-016, IM-032)', async () => {
  const { app, browser } = await startSignedIn();
  const { project } = await makeWorld(app);
  const { db } = app.services;
  const evil = '"><script>window.__xss=1</script>\u202e\u0007';
  await savePeople(db, 'bitbucket', [
    { uuid: ALICE, account_id: evil, display_name: evil, nickname: evil, avatar_url: null, type: 'user' },
  ]);
  await savePullRequests(db, project.id, [
    pullRequest(1, {
      title: evil,
      author: ALICE,
      description: evil,
      reason: evil,
      source_branch: evil,
      destination_branch: evil,
      source_repository: evil,
    }),
  ]);
  await saveComments(db, project.id, [
    comment(20, { author: ALICE, body: evil, inline: JSON.stringify({ path: evil, to: 1 }) }),
  ]);
  await db
    .updateTable('projects')
    .set({ title: evil, description: evil, forked_from: evil, source_full_name: evil })
    .execute();
  const pages = [
    '/projects',
    DEMO,
    `${DEMO}/people`,
    `${DEMO}/pull_requests`,
    ...['', '/diff', '/commits'].map((part) => `${DEMO}/pull_requests/1${part}`),
  ];
  for (const path of pages) {
    const { text } = await browser.get(path).expect(200);
    expect([
      path,
      text.includes('<script>window'),
      ['\u202e', '\u0007'].some((sign) => text.replace(/<div class="prose">[^]*?<\/div>/g, '').includes(sign)),
    ]).toEqual([path, false, false]);
  }
});

test('a conversation of thousands comes in pages, and deep answers are all there', async () => {
  const { app, browser } = await startSignedIn();
  const project = await makeProject(app);
  const { db } = app.services;
  await savePullRequests(db, project.id, [pullRequest(1, { comment_count: 1500 })]);
  const comments = Array.from({ length: 1500 }, (_, index) =>
    comment(index + 1, index > 0 && index < 1000 ? { parent_id: index } : {}),
  );
  await saveComments(db, project.id, comments);
  const first = await textOf(browser, `${DEMO}/pull_requests/1`);
  expect(first).toContain('Comment 1000 ');
  expect(first).toContain('Page 1 of 6, 501 entries');
  expect(await textOf(browser, `${DEMO}/pull_requests/1?page=6`)).toContain('Comment 1500 ');
});

test('a repository that cannot be read takes nothing from what is in the database', async () => {
  const { app, browser } = await startSignedIn();
  const { project } = await makeWorld(app);
  rmSync(repositoryDir(app.services.config(), project.id), { recursive: true });
  expect(await textOf(browser, DEMO)).toContain('No README');
  expect(await textOf(browser, `${DEMO}/pull_requests/1`)).toMatch(/Why Dear \?/);
});

test('paths that are no project are not found, whatever is in them', async () => {
  const { app, browser } = await startSignedIn();
  await makeWorld(app);
  for (const path of [
    '/projects/root',
    '/projects/root/other',
    '/projects/root/demo/',
    '/projects/ROOT/demo',
    '/projects/root/de%00mo',
    '/projects/root/demo/pull_requests/01',
    `${DEMO}/pull_requests/99`,
  ]) {
    expect([path, (await browser.get(path)).status]).toEqual([path, 404]);
  }
  await browser.post(DEMO).expect((answer) => expect([403, 405]).toContain(answer.status));
});
