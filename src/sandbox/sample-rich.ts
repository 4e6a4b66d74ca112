// The demo's rich repository: sixty pull requests in every state, one from a fork, LFS, tags, images, builds, downloads.
import { join } from 'node:path';
import { makeGitRepository, type StoryFile } from './git-story.ts';
import { firstCommit, manyPullRequests } from './many-pull-requests.ts';
import { makeComment, makeInline, makePullRequest, type PullRequest } from './pull-requests.ts';
import { restriction, type Status } from './repository-parts.ts';
import { makeRepository, type Repository } from './repositories.ts';

const GREENHOUSE = 'open-garden/greenhouse';
const FORK = 'acme/greenhouse';
const IMAGE = '461800001-tomato.png';
/** A red tomato among leaves. */
const TOMATO = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAKAAAABQAgMAAADjM5anAAAADFBMVEUufTKBx4T/8XbTLy8Ji0V+AAAAq0lEQVR42u3VPQ6EIBAFYBIP4JE8BaH0KF6NS+w9aOw0T1gdyGaNz2JiIUxF8YUJYX6MTWFSXJ9Mgw3WBntgPYF/2iFGuHHtlCBuwK+Dp9DtMFC4Z465GTwcvBZ0AgOBo8CFQHkLoAWzw+dh2BU4vxn+foArMFx2YZ3QFuifhkOGRgn24lYCc/nMbDTn3lKD8hq6FTqpb7o+pP0pHI4RpbdnbJylS9vuDdYGNwAGUhHtbVJMAAAAAElFTkSuQmCC',
  'base64',
);

const README = `# Greenhouse

Grows **tomatoes**, *peppers* and ~~weeds~~.

![A tomato](pictures/tomato.png)

1. open the windows
2. water the plants
3. [close the windows](docs/windows.md)

| plant  | water | light |
|:-------|------:|:-----:|
| tomato |   2 l |  sun  |
| pepper |   1 l |  sun  |
| fern   |   1 l | shade |

> Nothing grows faster because somebody pulls at it.
`;

const FILES: Record<string, StoryFile> = {
  'README.md': README,
  'docs/windows.md': '# Windows\n\nThey close at 20 degrees.\n',
  'pictures/tomato.png': TOMATO,
  '.gitattributes': '*.psd filter=lfs diff=lfs merge=lfs -text\n',
  'drawings/house.psd': { lfs: 'drawing of a house '.repeat(4000) },
  'drawings/garden.psd': { lfs: 'drawing of a garden '.repeat(9000) },
};

/** `open-garden/greenhouse` and the fork `acme/greenhouse`. */
export async function makeRichSample(folder: string, web: string): Promise<Repository[]> {
  const make = manyPullRequests({
    count: 60,
    fullName: GREENHOUSE,
    commented: 0.6,
    people: ['alice', 'eve', 'kanji', 'frieda', 'assistant'],
    files: FILES,
    tagEvery: 10,
  });
  const [greenhouse] = await make(folder, web);
  if (!greenhouse) throw new Error('No greenhouse was made');
  const { repository: fork, pullRequest } = await makeFork(folder, greenhouse);
  Object.assign(greenhouse, about(), { updatedOn: pullRequest.updatedOn });
  const [first] = greenhouse.pullRequests;
  if (first) first.description += `\n\n![How it looks](${web}repo/${greenhouse.imageKey}/images/${IMAGE})\n`;
  greenhouse.statuses = greenhouse.pullRequests.slice(-10).map(buildOf);
  greenhouse.pullRequests.push(pullRequest);
  return [greenhouse, fork];
}

function about(): Partial<Repository> {
  const release = Buffer.alloc(20_000, 'greenhouse');
  return {
    name: 'Greenhouse',
    description: 'Windows, water and light for plants under glass',
    isPrivate: false,
    project: 'PLANTS',
    language: 'python',
    size: 3_481_022,
    permissions: { alice: 'admin' },
    images: new Map([[IMAGE, TOMATO]]),
    defaultReviewers: ['alice', 'frieda'],
    branchRestrictions: [restriction(11, 'push', 'main'), restriction(12, 'require_approvals_to_merge', 'main', 1)],
    downloads: [
      { name: 'greenhouse-1.0.tar.gz', content: release, createdOn: '2022-02-01T10:00:00.000000+00:00', user: 'alice' },
    ],
  };
}

function buildOf({ id, source, updatedOn }: PullRequest): Status {
  return {
    commit: source.commit ?? '',
    key: `build-${id}`,
    state: id % 3 === 0 ? 'FAILED' : 'SUCCESSFUL',
    name: `Build of #${id}`,
    url: `https://ci.example.test/builds/${id}`,
    createdOn: updatedOn,
  };
}

/** A fork with a branch of its own, and the pull request that offers it. */
async function makeFork(
  folder: string,
  greenhouse: Repository,
): Promise<{ repository: Repository; pullRequest: PullRequest }> {
  const dir = join(folder, 'fork.git');
  const root = firstCommit(FILES);
  const topic = {
    key: 'shade',
    message: 'Shade for ferns\n',
    files: { 'docs/shade.md': '# Shade\n\nFerns like it.\n' },
  };
  const { commits, lfs } = await makeGitRepository(dir, {
    commits: [root, topic],
    branches: { main: root.key, shade: 'shade' },
  });
  const repository = makeRepository({
    workspace: 'acme',
    slug: 'greenhouse',
    dir,
    lfs,
    name: 'Greenhouse',
    isPrivate: false,
    parent: GREENHOUSE,
    project: 'TOOLS',
  });
  const ends = { sourceCommit: commits.get('shade') ?? '', destinationCommit: commits.get(root.key) ?? '' };
  const at = '2026-05-04T10:00:00.000000+00:00';
  const pullRequest = makePullRequest({
    id: 61,
    title: 'Shade for ferns',
    description: 'They asked for it. cc @{712020:3b9f0c7e-58a1-4d26-9e4b-c17a60d2f583}',
    author: 'bob',
    createdOn: at,
    source: { branch: 'shade', commit: ends.sourceCommit, repository: FORK },
    destination: {
      branch: 'main',
      commit: greenhouse.pullRequests[0]?.destination.commit ?? null,
      repository: GREENHOUSE,
    },
    comments: [
      makeComment({
        id: 910_001,
        author: 'alice',
        raw: 'How much shade is it?',
        createdOn: at,
        inline: makeInline({ path: 'docs/shade.md', to: 3, ...ends }),
      }),
    ],
    activity: [{ kind: 'update', at, by: 'bob', state: 'OPEN', sourceCommit: ends.sourceCommit }],
  });
  return { repository, pullRequest };
}
