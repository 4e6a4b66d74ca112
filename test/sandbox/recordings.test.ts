// The sandbox's answers against recorded ones of Bitbucket Cloud: the same keys with the same types.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOddSample } from '../../src/sandbox/sample-odd.ts';
import { makeRichSample } from '../../src/sandbox/sample-rich.ts';
import { makeSmallSample } from '../../src/sandbox/sample-small.ts';
import { SAMPLE_CONTRIBUTORS, SAMPLE_PROJECTS } from '../../src/sandbox/sample-people.ts';
import { exchangeCode, getApi, startTestSandbox, type Json } from './start-test-sandbox.ts';

/** A folder of recordings, by kind. They come under many licences and are not part of this project. */
const folder = process.env['BITBUCKET_FIXTURES'];

if (!folder) {
  process.stdout.write('Left out: comparison with recorded Bitbucket answers (BITBUCKET_FIXTURES names no folder)\n');
  it.skip('answers as recorded (BITBUCKET_FIXTURES is not set)', () => undefined);
} else {
  describe('answers as recorded', () => {
    compareWith(folder);
    describe('of repositories', () => compareRepositoriesWith(folder));
  });
}

function compareWith(recordings: string): void {
  const sandbox = startTestSandbox();
  const read = (name: string) => JSON.parse(readFileSync(join(recordings, name), 'utf8')) as Json;
  const get = async (path: string) => (await getApi(sandbox(), path, sandbox().accessToken('alice'))).body;
  const firstOf = (page: Json) => (page['values'] as Json[])[0];

  it('for GET /user', async () => {
    expect(shapeOf(await get('/user'))).toEqual(shapeOf(read('user/codecov_user.json')));
  });

  it('for GET /user/emails', async () => {
    expect(shapeOf(await get('/user/emails'))).toEqual(shapeOf(read('emails/socialcore_emails_two.json')));
  });

  it('for GET /user/workspaces', async () => {
    const recorded = read('workspaces/gildas_workspace_access_item.json');
    expect(shapeOf(firstOf(await get('/user/workspaces')))).toEqual(shapeOf(recorded));
  });

  it('for GET /workspaces/{workspace}', async () => {
    expect(shapeOf(await get('/workspaces/acme'))).toEqual(shapeOf(read('workspaces/gildas_workspace.json')));
  });

  it('for a token before CHANGE-3052', async () => {
    sandbox().switches.oauth = 'old';
    const text = readFileSync(join(recordings, 'oauth-token/danger_code_or_client_credentials_token.http'), 'utf8');
    const recorded = JSON.parse(text.slice(text.indexOf('{'))) as Json;
    const { state, ...answered } = (await exchangeCode(sandbox())).body;
    expect(state).toBe('authorization_code');
    expect(shapeOf(answered)).toEqual(shapeOf(recorded));
  });

  it('for removed endpoints', async () => {
    expect(await get('/workspaces')).toEqual(read('errors/live2026_410_change2770.json')['body']);
  });

  it('for an expired token', async () => {
    const token = sandbox().accessToken('alice');
    sandbox().expireTokens('alice');
    const { body } = await getApi(sandbox(), '/user', token);
    expect(body).toEqual(read('errors/swoodford_401_expired.json')['body']);
  });

  it('for a path that is none', async () => {
    expect(shapeOf(await get('/nothing'))).toEqual(shapeOf(read('errors/gildas_404_noapi.json')));
  });
}

function compareRepositoriesWith(recordings: string): void {
  const sandbox = startTestSandbox({
    repositories: [makeSmallSample, makeRichSample, makeOddSample],
    contributors: SAMPLE_CONTRIBUTORS,
    projects: SAMPLE_PROJECTS,
  });
  const scopes = ['account', 'pullrequest', 'repository:admin', 'webhook', 'project'];
  const get = async (path: string) =>
    (await getApi(sandbox(), `/repositories/${path}`, sandbox().accessToken('alice', scopes))).body;
  const read = (name: string) => JSON.parse(readFileSync(join(recordings, name), 'utf8')) as Json & Json[];
  const first = (body: Json) => (body['values'] as Json[])[0];
  const commentOf = async (id: number) =>
    ((await get('acme/odd-parts/pullrequests/13/comments?pagelen=100'))['values'] as Json[]).find(
      (comment) => comment['id'] === id,
    );

  it.each<[string, () => Promise<unknown>, () => unknown]>([
    ['a repository', () => get('acme/anvil'), () => read('repository/gitea2026_repo.json')],
    [
      'a pull request in a list',
      async () => first(await get('acme/anvil/pullrequests?state=MERGED')),
      () => read('pullrequests/atlascode2026_pr1100_merged.json'),
    ],
    ['a comment by an app', () => commentOf(2017), () => read('pr-comments/atlascode2026_inline_app_user.json')],
    [
      'a commit',
      async () => first(await get('acme/anvil/commits')),
      () => withoutKeys(read('commits/gildas_commit.json'), ['rendered']),
    ],
    ['a branch', async () => first(await get('acme/anvil/refs/branches')), () => read('refs/gildas_branch.json')],
    [
      'a participant',
      async () => (await get('acme/anvil/pullrequests/1'))['participants'],
      () => [read('participants/gildas_participant.json')],
    ],
    [
      'a task',
      async () => ((await get('acme/odd-parts/pullrequests/20/tasks'))['values'] as Json[])[1],
      () => first(read('pr-tasks/tasks_page.json')),
    ],
    [
      'an approval',
      async () => ((await get('acme/anvil/pullrequests/1/activity'))['values'] as Json[])[1],
      () => read('pr-activity/gildas_activity-approval.json'),
    ],
    [
      'an update',
      async () => first(await get('acme/anvil/pullrequests/2/activity')),
      () => read('pr-activity/gildas_activity-update.json'),
    ],
    [
      'a changed file',
      async () => first(await get('acme/anvil/pullrequests/3/diffstat')),
      () => first(read('diffstat/jenkins_diffstat.json')),
    ],
    [
      'a deploy key',
      async () => first(await get('acme/odd-parts/deploy-keys')),
      () => withoutKeys(first(read('deploy-keys/spec_repo_deploy_keys.json'))!, ['links']),
    ],
    [
      'a webhook',
      async () => first(await get('acme/odd-parts/hooks')),
      () =>
        withoutKeys(read('webhooks-config/jenkins_hooks.json'), ['links', 'source', 'read_only', 'history_enabled']),
    ],
    [
      'a build',
      async () => first(await get('open-garden/greenhouse/pullrequests/60/statuses')),
      () => read('statuses/jenkins_status_build.json'),
    ],
  ])('%s has all that was recorded', async (_name, answer, recorded) => {
    expect(shapeOf(await answer())).toMatchObject(shapeOf(recorded()) as object);
  });

  it('has the words for issues that were removed', async () => {
    expect(await get('acme/anvil/issues')).toMatchObject(read('errors/renovate_410_change3071.json')['body'] as object);
  });
}

function withoutKeys(object: Json, keys: string[]): Json {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

/** Keys and types, without the values; lists by their first element. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}
