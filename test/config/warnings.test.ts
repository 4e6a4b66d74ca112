// What loads, but deserves a word in the log.
import { ConfigError } from '../../src/config/load.ts';
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

test('settings that are set to something else than their default are nothing to warn about', () => {
  const yaml = `${PROVIDER}      import: { app_id: key-2, app_secret: secret-2 }
  auto_link_user: true
  external_providers: [bitbucket]
  sync_profile_from_provider: [bitbucket]
  sync_profile_attributes: [name]
import: { enabled: false, concurrency: 4 }
`;
  expect(warningsFor(yaml)).toEqual([]);
});

test.each(['0.0.0.0/0', '::/0'])('believing every proxy is warned about: %s (CF-001, CF-015)', (network) => {
  expect(warningsFor(`trusted_proxies: ['${network}']`)).toEqual([
    `trusted_proxies: ${network} believes X-Forwarded-For from anybody; name your proxies only`,
  ]);
});

test.each(['k'.repeat(40), 'ChangeMe-0123456789-0123456789-0123456789'])(
  'a key that nobody made by chance is warned about (CF-001)',
  (key) => {
    expect(warningsFor(`secret_key: ${key}`)).toEqual([
      'secret_key: looks like a placeholder; make one with: openssl rand -hex 32',
    ]);
  },
);

test('a database in memory is warned about (CF-001)', () => {
  expect(warningsFor('database_url: "sqlite::memory:"')).toEqual([
    'database_url: a database in memory is lost when the server stops',
  ]);
});

test('scopes beyond signing in and an API on another host are warned about (CF-001)', () => {
  const yaml = `${PROVIDER}      args: { scope: [account, email, repository:delete] }\n      api_url: https://evil.test/2.0\n`;
  expect(warningsFor(yaml)).toEqual([
    'omniauth.providers[0].args.scope: asks for more than signing in needs (account, email)',
    'omniauth.providers[0].api_url: access tokens go to evil.test, another host than that of url (bitbucket.org)',
  ]);
});

describe('.env', () => {
  function warningsOf(dotenv: string, yaml = ''): string[] {
    const place = makePlace(yaml);
    place.write('.env', dotenv);
    return place.load().warnings;
  }

  test('a line that is not read is told with its number, and nothing of what it says (CF-004)', () => {
    const text =
      '# good\n\nPORT=4000\nGATEHOUSE_SECRET_KEY s3cr3t\n  # indented\nset A=s3cr3t\nB+=s3cr3t\nC : s3cr3t\n';
    expect(warningsOf(text)).toEqual(
      [4, 6, 7, 8].map((line) => `.env:${line}: expected NAME=value, got a line that is not read`),
    );
  });

  test('what dotenv reads is no line to tell of', () => {
    const text = [
      'export GATEHOUSE_HOST=127.0.0.1',
      '  PORT = 4000 # the port',
      'A: 1',
      'B-C.d=',
      `E="first`,
      `second ' line`,
      `third" # and a comment`,
      `F='x`,
      `y'`,
      'G=`z',
      '`',
      'H="not closed',
      '',
    ];
    expect(warningsOf(text.join('\n'))).toEqual([]);
    expect(warningsOf(text.join('\r\n'))).toEqual([]);
  });

  test('a misspelt setting is told with its line and the one that was meant', () => {
    const text = `A="two
lines"
BITBUCKET_APP_KYE=k3y
DATABASE_URI=sqlite
gatehouse_host=::
TRUSTED_PROXY=10.0.0.1
PORT_FIEL=x
GATEHOUSE_ALLOW_ALL=1
OMNIAUTH_ENABLED=false
broken
`;
    expect(warningsOf(text)).toEqual([
      '.env:3: BITBUCKET_APP_KYE is no setting (did you mean BITBUCKET_APP_KEY?)',
      '.env:4: DATABASE_URI is no setting (did you mean DATABASE_URL?)',
      '.env:5: gatehouse_host is no setting (did you mean GATEHOUSE_HOST?)',
      '.env:6: TRUSTED_PROXY is no setting (did you mean TRUSTED_PROXIES?)',
      '.env:7: PORT_FIEL is no setting (did you mean PORT_FILE?)',
      '.env:8: GATEHOUSE_ALLOW_ALL is no setting; .env.example has them all',
      '.env:9: OMNIAUTH_ENABLED is no setting; .env.example has them all',
      '.env:10: expected NAME=value, got a line that is not read',
    ]);
  });

  test("names of other programs, and those that the file refers to, are nobody's mistake", () => {
    expect(
      warningsOf(
        'NODE_ENV=production\nTZ=UTC\nHTTPS_PROXY=\nPOST=4000\nGATEHOUSE_CONFIG=\n',
        'listen: { port: "${POST}" }',
      ),
    ).toEqual([]);
  });
});

describe('with a mistake', () => {
  function bothOf(yaml: string, dotenv = '') {
    const place = makePlace(yaml);
    place.write('.env', dotenv);
    try {
      place.load();
    } catch (error) {
      if (error instanceof ConfigError) return { mistakes: error.problems.length, warnings: error.warnings };
      throw error;
    }
    throw new Error('there was no mistake');
  }

  test('the warnings are told all the same (CF-002)', () => {
    const dotenv = 'BITBUCKET_APP_KYE=k3y\n';
    const misspelt = '.env:1: BITBUCKET_APP_KYE is no setting (did you mean BITBUCKET_APP_KEY?)';
    expect(bothOf('session: { idle_minutes: soon }\n', dotenv)).toEqual({ mistakes: 1, warnings: [misspelt] });
    const open = PROVIDER.replace(/ +allowed_workspaces.*\n/, '');
    const { mistakes, warnings } = bothOf(`${open}  auto_sign_in_with_provider: nobody\n`, dotenv);
    expect([mistakes, warnings]).toEqual([1, [misspelt, expect.stringContaining('anyone with a Bitbucket account')]]);
  });

  test('what could not be read is not warned about as if it were not there', () => {
    const unread = PROVIDER.replace('[acme]', '[${NOT_SET}]');
    expect(bothOf(unread).warnings).toEqual([]);
  });
});
