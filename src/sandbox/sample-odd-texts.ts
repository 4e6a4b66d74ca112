// The pull request of the odd repository whose names and texts are strange, and on which every form of comment is.
import { oddComments, oddTasks } from './sample-odd-conversation.ts';
import { makePullRequest, type PullRequest } from './pull-requests.ts';
import { uuidFor } from './repositories.ts';

export const ODD = 'acme/odd-parts';
export const ODD_IMAGE_KEY = 'BgzgjpR';

export function strangePullRequest(commit: (key: string) => string, web: string): PullRequest {
  return makePullRequest({
    id: 13,
    title: `"Quotes", 'slashes' /\\ <b>HTML</b> & 𝒰nicode 🦊 \u202egnp`,
    description: description(web),
    author: 'quote',
    source: { branch: 'feature/"quoted"&<b>ünï</b>', commit: commit('strange'), repository: ODD },
    destination: { branch: 'trunk', commit: commit('squash'), repository: ODD },
    comments: oddComments(commit),
    tasks: oddTasks(),
  });
}

/** Both forms of addresses of images, and the other things that Bitbucket writes into texts. */
function description(web: string): string {
  const byKey = `${web}repo/${ODD_IMAGE_KEY}/images/`;
  const byUuid = `${web}%7B%7D/${encodeURIComponent(uuidFor(`repository ${ODD}`))}/images/`;
  return [
    'Windows line ends\r',
    'from here on.\r',
    '',
    'Somebody: @{712020:3b9f0c7e-58a1-4d26-9e4b-c17a60d2f583}, by uuid: @{c28e5b17-904d-4f6a-b3d1-58a7e0946c2f}, unknown: @{0}',
    '',
    "[https://example.test/card](https://example.test/card){: data-inline-card='' }",
    '',
    `![an image](${byKey}461711928-image.png)`,
    `![the same](${byUuid}461711928-image.png)`,
    `![a drawing](${byKey}461711929-drawing.svg)`,
    `![lost](${byKey}1-lost.png)`,
    '![elsewhere](https://images.example.test/pixel.gif)',
    '',
    'See #12, PR #1, pull request #2 and issue #3. <script>alert("description")</script>',
    '',
  ].join('\n');
}
