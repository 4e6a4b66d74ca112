// Admin → Configuration: what runs, where it came from, what waits, what is broken; and no secret.
import { CONSUMER } from '../support/provider.ts';
import { openAs, openAsRoot, openBrowser, startBoth } from '../support/people.ts';

const PAGE = '/admin/configuration';
const SECRET_KEY = 'secret-key-0123456789-0123456789-0123456789';

interface Told {
  settings: { key: string; value: string; source: string }[];
}

test('every setting with its value and its place; secrets only as set or not set (CF-014, AD-012)', async () => {
  const { app } = await startBoth({
    yaml: `secret_key: ${SECRET_KEY}\nsession: { idle_minutes: 7 }\n`,
    provider: ", import: { app_id: import-key, app_secret: 'import-s3cr3t-0123456789' }",
    env: { PORT_FILE: '', GATEHOUSE_LEAVE_SECONDS: '3' },
  });
  const root = await openAsRoot(app);
  const page = await root.get(PAGE).expect(200);
  const json = await root.get(PAGE).set('Accept', 'application/json').expect(200);
  for (const text of [page.text, JSON.stringify(json.body)]) {
    for (const secret of [CONSUMER.secret, SECRET_KEY, 'import-s3cr3t-0123456789', 'correct horse battery'])
      expect(text).not.toContain(secret);
  }
  const settings = new Map((json.body as Told).settings.map(({ key, ...rest }) => [key, rest]));
  expect(settings.get('session.idle_minutes')).toEqual({
    value: '7',
    source: expect.stringMatching(/gatehouse\.yml:\d+:\d+$/) as string,
  });
  expect(settings.get('session.absolute_hours')).toEqual({ value: '24', source: 'default' });
  expect(settings.get('listen.leave_seconds')).toEqual({
    value: '3',
    source: 'environment variable GATEHOUSE_LEAVE_SECONDS',
  });
  expect(settings.get('secret_key')).toMatchObject({
    value: 'set',
    source: expect.stringMatching(/:\d+:\d+$|GATEHOUSE/) as string,
  });
  expect(settings.get('root_password')).toMatchObject({ value: 'set' });
  expect(settings.get('omniauth.providers[0].app_secret')).toMatchObject({ value: 'set' });
  expect(settings.get('omniauth.providers[0].import.app_secret')).toMatchObject({ value: 'set' });
  expect(settings.get('omniauth.providers[0].app_id')).toMatchObject({ value: CONSUMER.key });
  expect(settings.get('omniauth.providers[0].allowed_workspaces')).toEqual({
    value: 'not set: everybody',
    source: 'default',
  });
  expect(settings.get('omniauth.allow_single_sign_on')).toEqual({ value: 'true', source: 'default' });
  expect(settings.get('omniauth.external_providers')).toEqual({ value: 'none', source: 'default' });
  expect(settings.get('database_url')?.value).toMatch(/^(sqlite$|PostgreSQL, database )/);
  expect(page.text).toContain('Nothing was changed under');
  expect(page.text).toContain('anyone with a Bitbucket account'); // warnings stand there, too
});

test('nobody but administrators sees it, and it takes nothing (AD-001)', async () => {
  const { app, sandbox } = await startBoth();
  await openBrowser(app).get(PAGE).expect(303);
  await openBrowser(app).get(PAGE).set('Accept', 'application/json').expect(401);
  const alice = await openAs(app, sandbox);
  await alice.get(PAGE).expect(404);
  const root = await openAsRoot(app);
  const { text } = await root.get(PAGE);
  const token = /name="csrf-token" content="([^"]+)"/.exec(text)?.[1] ?? '';
  await root.post(PAGE).set('X-CSRF-Token', token).expect(405);
});

test('a broken file is told with its line, what waits for a restart by its key, and a change of the panel with who made it', async () => {
  const { app } = await startBoth();
  const root = await openAsRoot(app);
  const mistake = 'config/gatehouse.yml:12:3 session.idle_minutes: expected a whole number, got "<b>soon</b>"';
  app.noteState({
    needRestart: ['listen.port'],
    broken: { at: Date.UTC(2026, 0, 2, 3, 4), mistakes: [mistake], fileGone: false },
  });
  const settings = '/admin/application_settings/general';
  const _csrf = /name="_csrf" value="([^"]+)"/.exec((await root.get(settings)).text)?.[1];
  await root.post(settings).type('form').send({ _csrf, import_sources: '' }).expect(303);
  const { text } = await root.get(PAGE);
  expect(text).toContain('The changed configuration was not taken');
  expect(text).toContain('config/gatehouse.yml:12:3 session.idle_minutes');
  expect(text).not.toContain('<b>soon');
  expect(text).toMatch(/<code>listen\.port<\/code>[\s\S]*?another value waits for a restart/);
  expect(text).toMatch(/<code>disabled_import_sources<\/code><\/td>\s*<td>bitbucket<\/td>[\s\S]*?by root/);
  const answer = await root.get(PAGE).set('Accept', 'application/json');
  expect(answer.body).toMatchObject({
    need_restart: ['listen.port'],
    broken: { at: '2026-01-02T03:04:00.000Z', mistakes: [mistake] },
    panel: [{ key: 'disabled_import_sources', value: 'bitbucket', changed_by: 'root' }],
  });
});
