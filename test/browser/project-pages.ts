// Pages of imported projects: with everything that can be on them, and empty.
import { savePullRequests } from '../../src/projects/records.ts';
import { makeProject, pullRequest } from '../projects/make.ts';
import { makeWorld } from '../projects/world.ts';
import { typePassword } from './people.ts';
import type { PageCase, World } from './world.ts';
import { openSignInPage } from './world.ts';

const go =
  (path: string) =>
  ({ page, app }: World) =>
    page.goto(`${app.url}/projects${path}`);

export const PROJECT_PAGES: PageCase[] = [
  [
    'projects-none',
    'Projects',
    async (world) => {
      await openSignInPage(world);
      await typePassword(world.page);
      await go('')(world);
    },
  ],
  [
    'projects',
    'Projects',
    async (world) => {
      await makeWorld(world.app);
      await makeProject(world.app, { name: 'half' }, { published: false });
      await go('')(world);
    },
  ],
  ['projects-not-found', 'Projects', go('?q=nothing')],
  ['project', 'The demo', go('/root/demo')],
  ['project-branches', 'Branches', go('/root/demo/branches')],
  ['project-people', 'People', go('/root/demo/people')],
  ['project-pull-requests', 'Pull requests', go('/root/demo/pull_requests')],
  ['pull-request', /^Greet politely/, go('/root/demo/pull_requests/1')],
  ['pull-request-declined', /^Change 3/, go('/root/demo/pull_requests/3')],
  ['pull-request-commits', /^Greet politely/, go('/root/demo/pull_requests/1/commits')],
  ['pull-request-diff', /^Greet politely/, go('/root/demo/pull_requests/1/diff')],
  ['pull-request-snapshot', /^Change 3/, go('/root/demo/pull_requests/3/diff')],
  ['pull-request-lost', /^Change 4/, go('/root/demo/pull_requests/4/diff')],
  [
    'project-half',
    'The half',
    async (world) => {
      const { db } = world.app.services;
      const half = await db.selectFrom('projects').select('id').where('name', '=', 'half').executeTakeFirstOrThrow();
      await savePullRequests(db, half.id, [pullRequest(1)]);
      await go('/root/half')(world);
    },
  ],
  [
    'project-empty',
    'The empty',
    async (world) => {
      await makeProject(world.app, { name: 'empty', default_branch: null });
      await go('/root/empty')(world);
    },
  ],
  ['project-no-pull-requests', 'Pull requests', go('/root/empty/pull_requests')],
];
