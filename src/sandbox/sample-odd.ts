// The demo's odd repository: a pull request for everything that importers trip over. Each says in its title what it is.
import { restriction } from './repository-parts.ts';
import { makeOddGit } from './sample-odd-git.ts';
import { ODD_CONVERSATION } from './sample-odd-conversation.ts';
import { oddPullRequests } from './sample-odd-ends.ts';
import { ODD, ODD_IMAGE_KEY, strangePullRequest } from './sample-odd-texts.ts';
import { makeRepository, type Repository } from './repositories.ts';

const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

/** `acme/odd-parts`, a public fork of it, and one in a workspace that few people see. */
export async function makeOddSample(folder: string, web: string): Promise<Repository[]> {
  const git = await makeOddGit(folder);
  const fork = { slug: 'odd-parts', parent: ODD, mainBranch: 'trunk', lfs: git.odd.lfs };
  const odd = makeRepository({
    workspace: 'acme',
    slug: 'odd-parts',
    ...git.odd,
    name: 'Odd parts & <i>pieces</i> “ünï”',
    description: 'Line one\r\nLine two with <script>alert("description")</script>',
    project: 'ODD',
    mainBranch: 'trunk',
    createdOn: '2024-01-15T09:59:59.999999+00:00',
    updatedOn: '2026-10-30T23:59:59.000001+00:00',
    imageKey: ODD_IMAGE_KEY,
    images: new Map([
      ['461711928-image.png', Buffer.from(DOT, 'base64')],
      ['461711929-drawing.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')],
    ]),
    pullRequests: [
      ...oddPullRequests(git.commit),
      strangePullRequest(git.commit, web),
      ...ODD_CONVERSATION.map((make) => make(git.commit)),
    ],
    ...settings(),
    ...saidOfCommits(git.commit),
  });
  return [
    odd,
    makeRepository({ ...fork, workspace: 'open-garden', dir: git.fork.dir, isPrivate: false, project: 'PLANTS' }),
    makeRepository({ ...fork, workspace: 'elm-books', dir: git.hiddenFork.dir }),
  ];
}

function settings(): Partial<Repository> {
  const at = '2026-01-05T10:00:00.000000+00:00';
  const hook = {
    type: 'webhook_subscription',
    uuid: '{202cf34e-7ccf-44b7-ba6b-8827a14d5324}',
    description: 'Builds',
    url: 'https://ci.example.test/hook?token=secret-in-the-address',
    active: true,
    skip_cert_verification: false,
    events: ['repo:push', 'pullrequest:created'],
    created_at: '2025-08-23T15:07:25.469063524Z',
    secret_set: true,
  };
  const deployKey = {
    id: 123,
    key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey/For+Samples/Only000000000000000000000000',
    label: 'deploy <b>key</b>',
    type: 'deploy_key',
    created_on: '2025-08-15T23:50:59.993890+00:00',
    last_used: null,
    comment: 'sample@example.test',
  };
  return {
    branchRestrictions: [
      restriction(1, 'push', 'trunk'),
      restriction(2, 'require_approvals_to_merge', 'trunk', 2),
      restriction(3, 'a_kind_of_next_year', 'release/*'),
      { ...restriction(4, 'force', ''), branch_match_kind: 'branching_model', branch_type: 'production' },
    ],
    hooks: [hook],
    deployKeys: [deployKey],
    defaultReviewers: ['bob', 'frieda'],
    downloads: [
      { name: 'report "final" ü.txt', content: Buffer.from('All parts are odd.\n'), createdOn: at, user: 'alice' },
      { name: 'page.html', content: Buffer.from('<script>alert("download")</script>'), createdOn: at, user: null },
    ],
  };
}

function saidOfCommits(commit: (key: string) => string): Partial<Repository> {
  const createdOn = '2026-03-03T10:00:00.000000+00:00';
  const build = { key: 'build', name: 'Build » #36', url: 'https://ci.example.test/36', createdOn };
  return {
    commitComments: [{ id: 9001, commit: commit('merge-1'), author: 'bob', raw: 'Said of a commit', createdOn }],
    statuses: [{ commit: commit('squash'), state: 'FAILED', ...build }],
  };
}
