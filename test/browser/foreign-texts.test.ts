// Texts from outside in a real browser, wherever they are shown: no script of theirs runs, nobody else is asked for anything.
import type { Page } from 'playwright-core';
import { repositoryDir } from '../../src/projects/places.ts';
import { saveComments, savePeople, savePullRequests } from '../../src/projects/records.ts';
import { makeGitRepository } from '../../src/sandbox/git-story.ts';
import { listenTo } from '../hostile/recorder.ts';
import { HOSTILE_TEXTS } from '../projects/hostile-texts.ts';
import { comment, makeProject, pullRequest } from '../projects/make.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { startApp } from '../support/start-app.ts';
import { inChromium } from './in-chromium.ts';
import { see, typePassword } from './people.ts';

const TEXTS = Object.values(HOSTILE_TEXTS);
const MARKUP = '"><img src=x onerror=window.__xss=1><script>window.__xss=1</script>';

inChromium('Foreign texts', (open) => {
  it('run nothing and load nothing, on every page of a project (IM-032, IM-033, IM-034)', async () => {
    const app = await startApp();
    const elsewhere = await listenTo(closeAtEnd);
    const aimed = TEXTS.map((text) => text.replaceAll('https://evil.test', elsewhere.url));
    const images = Array.from({ length: 500 }, (_, index) => `![i](${elsewhere.url}${index}.png)`).join('\n');
    const all = [...aimed, images, `<img src="${elsewhere.url}raw.png">`].join('\n\n');
    const project = await makeProject(app, { title: MARKUP, description: MARKUP, branches: 2 });
    const { db } = app.services;
    const { commits } = await makeGitRepository(repositoryDir(app.services.config(), project.id), {
      commits: [
        { key: 'a', message: 'Begin', files: { 'README.md': all } },
        {
          key: 'b',
          message: `${MARKUP}\n\n${all}`,
          author: { name: '"x" onload=1', email: 'x@example.test' },
          files: { [`${MARKUP}.txt`]: all },
        },
      ],
      branches: { main: 'a', 'x"><script>1': 'b' },
    });
    const who = {
      uuid: '{a}',
      account_id: 'a',
      nickname: MARKUP,
      avatar_url: `${elsewhere.url}face.png`,
      type: 'user',
    };
    await savePeople(db, 'bitbucket', [{ ...who, display_name: MARKUP }]);
    const hashes = { source_commit: commits.get('b')!, destination_commit: commits.get('a')! };
    await savePullRequests(db, project.id, [
      pullRequest(1, { title: MARKUP, description: all, reason: all, author: '{a}', source_branch: MARKUP, ...hashes }),
    ]);
    const inline = JSON.stringify({ path: `${MARKUP}.txt`, to: 1 });
    const comments = TEXTS.map((body, index) =>
      comment(index + 1, { body, author: '{a}', ...(index % 2 ? { inline } : {}) }),
    );
    await saveComments(db, project.id, comments);

    const page = await open();
    await page.goto(`${app.url}/users/sign_in`);
    await typePassword(page);
    await see(page, /^Welcome/);
    const asked = watch(page, app.url);
    const paths = [
      '',
      '/branches',
      '/people',
      '/pull_requests',
      ...['', '/commits', '/diff'].map((part) => `/pull_requests/1${part}`),
    ];
    for (const path of ['/projects', ...paths.map((path) => `/projects/root/demo${path}`)]) {
      expect((await page.goto(app.url + path))?.status()).toBe(200);
      await page.waitForLoadState('networkidle');
      expect([path, await page.evaluate('window.__xss'), await page.locator(STRANGE).count()]).toEqual([
        path,
        undefined,
        0,
      ]);
      expect(await page.title()).toMatch(/ · Gatehouse$/);
    }
    expect([...asked, ...elsewhere.requests]).toEqual([]);
  });
});

/** What no text of ours makes. */
const STRANGE = `main :is(script, iframe, object, embed, base, meta, link, style, math, template, video, audio,
  [onerror], [onload], [onclick], [style], img:not([src^="/projects/"]), a:not([href^="http"], [href^="/"], [href^="mailto:"], [href^="#comment-"]))`;

/** @returns what this page asks of anybody but us, filled as it happens */
function watch(page: Page, ours: string): string[] {
  const asked: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(`${ours}/`)) asked.push(request.url());
  });
  return asked;
}
