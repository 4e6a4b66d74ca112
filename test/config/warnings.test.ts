// What loads, but deserves a word in the log.
import { makePlace, PROVIDER } from './make-place.ts';

const warningsFor = (yaml: string, env: NodeJS.ProcessEnv = {}) => makePlace(yaml).load(env).warnings;
const BITBUCKET = { BITBUCKET_APP_KEY: 'key-1', BITBUCKET_APP_SECRET: 'secret-1' };
const OPEN =
  'omniauth: anyone with a Bitbucket account can make an account here through bitbucket; set allowed_workspaces on it, or block_auto_created_users: true';

describe('anyone with a Bitbucket account', () => {
  test('can make an account here: a warning', () => {
    expect(warningsFor('', BITBUCKET)).toEqual([OPEN]);
    expect(warningsFor('omniauth: { allow_single_sign_on: [bitbucket] }', BITBUCKET)).toEqual([OPEN]);
  });

  test.each([
    'omniauth: { block_auto_created_users: true }',
    'omniauth: { allow_single_sign_on: false }',
    'omniauth: { allow_single_sign_on: [] }',
    'omniauth: { enabled: false }',
    PROVIDER,
  ])('cannot: no warning: %j', (yaml) => {
    expect(warningsFor(yaml, BITBUCKET)).toEqual([]);
  });
});

describe('keys whose feature is not there yet', () => {
  test('say so when they are set to something else than the default', () => {
    const yaml = `${PROVIDER}      import: { app_id: key-2, app_secret: secret-2 }
  auto_link_user: true
  external_providers: [bitbucket]
  sync_profile_from_provider: [bitbucket]
  sync_profile_attributes: [name]
import: { enabled: false, concurrency: 4 }
`;
    expect(warningsFor(yaml)).toEqual(
      [
        'omniauth.providers[0].import',
        'omniauth.auto_link_user',
        'omniauth.external_providers',
        'omniauth.sync_profile_from_provider',
        'omniauth.sync_profile_attributes',
        'import.enabled',
        'import.concurrency',
      ].map((key) => `${key}: accepted, but has no effect in this version`),
    );
  });

  test('say nothing when they are written with their default', () => {
    const yaml =
      'omniauth: { auto_link_user: false, sync_profile_attributes: [name, email] }\nimport: { enabled: true }\n';
    expect(warningsFor(yaml)).toEqual([]);
  });
});

test.each(['0.0.0.0/0', '::/0'])('believing every proxy is warned about: %s', (network) => {
  expect(warningsFor(`trusted_proxies: ['${network}']`)).toEqual([
    `trusted_proxies: ${network} believes X-Forwarded-For from anybody; name your proxies only`,
  ]);
});

test.each(['k'.repeat(40), 'ChangeMe-0123456789-0123456789-0123456789'])(
  'a key that nobody made by chance is warned about',
  (key) => {
    expect(warningsFor(`secret_key: ${key}`)).toEqual([
      'secret_key: looks like a placeholder; make one with: openssl rand -hex 32',
    ]);
  },
);

test('a database in memory is warned about', () => {
  expect(warningsFor('database_url: "sqlite::memory:"')).toEqual([
    'database_url: a database in memory is lost when the server stops',
  ]);
});

test('scopes beyond signing in and an API on another host are warned about', () => {
  const yaml = `${PROVIDER}      args: { scope: [account, email, repository:delete] }\n      api_url: https://evil.test/2.0\n`;
  expect(warningsFor(yaml)).toEqual([
    'omniauth.providers[0].args.scope: asks for more than signing in needs (account, email)',
    'omniauth.providers[0].api_url: access tokens go to evil.test, another host than that of url (bitbucket.org)',
  ]);
});
