// What the sandbox says of addresses that are about to go, and of those that are gone.
import { getApi, startTestSandbox } from './start-test-sandbox.ts';

const sandbox = startTestSandbox();
const get = (path: string) => getApi(sandbox(), path, sandbox().accessToken('alice'));

it('announces the end of an address in headers, and answers as before', async () => {
  sandbox().switches.announcements = [
    { route: 'workspaces', change: 'CHANGE-9001', deprecatedOn: '2026-02-20', endsOn: '2026-08-21' },
  ];
  const { status, headers } = await get('/user/workspaces');
  expect(status).toBe(200);
  expect(headers.get('deprecation')).toBe('@1771545600');
  expect(headers.get('sunset')).toBe('Fri, 21 Aug 2026 00:00:00 UTC');
  expect(headers.get('link')).toContain('changelog#CHANGE-9001>; rel="deprecation"');
  expect((await get('/user')).headers.get('deprecation')).toBeNull();
});

it('takes an address away with 410 and the words of the change', async () => {
  sandbox().switches.announcements = [{ route: 'workspaces', change: 'CHANGE-9001', gone: true }];
  const { status, body } = await get('/user/workspaces');
  expect(status).toBe(410);
  expect(JSON.stringify(body)).toContain('CHANGE-9001 - Functionality has been deprecated');
  sandbox().switches.announcements = [];
  expect((await get('/user/workspaces')).status).toBe(200);
});

it('tells the role in a workspace, which may change at any time', async () => {
  const [membership] = sandbox().person('bob').memberships;
  for (const permission of ['owner', 'create-project', 'collaborator', 'member'] as const) {
    membership!.permission = permission;
    const { body } = await getApi(sandbox(), '/user/workspaces/acme/permission', sandbox().accessToken('bob'));
    expect(body).toMatchObject({ permission, workspace: { slug: 'acme' } });
  }
  expect((await getApi(sandbox(), '/user/workspaces/acme/permission', sandbox().accessToken('carol'))).status).toBe(
    403,
  );
});
