// The sandbox's answers against recorded ones of Bitbucket Cloud: the same keys with the same types.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exchangeCode, getApi, startTestSandbox, type Json } from './start-test-sandbox.ts';

/** A folder of recordings, by kind. They come under many licences and are not part of this project. */
const folder = process.env['BITBUCKET_FIXTURES'];

if (!folder) {
  process.stdout.write('Left out: comparison with recorded Bitbucket answers (BITBUCKET_FIXTURES names no folder)\n');
  it.skip('answers as recorded (BITBUCKET_FIXTURES is not set)', () => undefined);
} else {
  describe('answers as recorded', () => compareWith(folder));
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

/** Keys and types, without the values; lists by their first element. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)]));
}
