// The section omniauth: GitLab's block, keys and secrets, names, addresses, workspaces.
import { makePlace, type Place } from './make-place.ts';

/** The block of GitLab's page "Integrate your GitLab server with Bitbucket Cloud". */
const GITLAB = `omniauth:
  enabled: true
  providers:
    - { name: 'bitbucket',
        # label: 'Provider name', # optional label for login button, defaults to "Bitbucket"
        app_id: 'the consumer key',
        app_secret: 'the consumer secret',
        url: 'https://bitbucket.org/' }
`;
const WHERE = '(at Bitbucket: workspace settings → Apps and features → OAuth consumers)';

/** A place with one provider that has these lines besides its key and secret. */
function withProvider(lines: string, name = 'bitbucket'): Place {
  const indented = lines
    .split('\n')
    .map((line) => `      ${line}`)
    .join('\n');
  return makePlace(
    `omniauth:\n  providers:\n    - name: ${name}\n      app_id: QMTsUnWJZjMq\n      app_secret: wdV8hxK3mPqL\n${indented}\n`,
  );
}

const providerOf = (place: Place) => place.load().config.omniauth.providers[0];

describe("GitLab's block", () => {
  test.each(['', '/'])(
    'with the redirect_uri of its present page, which has to be our callback (slash: %j)',
    (slash) => {
      const args = `args: { redirect_uri: 'https://git.example.test/users/auth${slash}' }`;
      const yaml = `external_url: https://git.example.test\n${GITLAB}`
        .replace('the consumer key', 'QMTsUnWJZjMq')
        .replace('the consumer secret', 'wdV8hxK3mPqL')
        .replace("url: 'https://bitbucket.org/' }", `url: 'https://bitbucket.org/', ${args} }`);
      expect(makePlace(yaml).load().config.omniauth.providers).toHaveLength(1);
      expect(makePlace(yaml.replace('/users/auth', '/callback')).mistakes()).toEqual([
        expect.stringContaining('.args.redirect_uri: expected https://git.example.test/users/auth'),
      ]);
    },
  );

  test('loads unchanged once its placeholders are replaced', () => {
    const yaml = GITLAB.replace('the consumer key', 'QMTsUnWJZjMq').replace('the consumer secret', 'wdV8hxK3mPqL');
    expect(makePlace(yaml).load().config.omniauth.providers).toEqual([
      {
        name: 'bitbucket',
        label: 'Bitbucket',
        app_id: 'QMTsUnWJZjMq',
        app_secret: 'wdV8hxK3mPqL',
        url: 'https://bitbucket.org/',
        api_url: 'https://api.bitbucket.org/2.0',
        args: { pkce: true },
      },
    ]);
  });

  test('loads with its closing brace on a line of its own, and with the label', () => {
    const yaml = GITLAB.replace('the consumer key', 'QMTsUnWJZjMq')
      .replace('the consumer secret', 'wdV8hxK3mPqL')
      .replace("/' }", "/'\n      }")
      .replace("# label: 'Provider name',", "label: 'Our Bitbucket',");
    expect(makePlace(yaml).load().config.omniauth.providers[0]?.label).toBe('Our Bitbucket');
  });

  test('with its placeholders is a mistake that says where to find the real ones', () => {
    expect(makePlace(GITLAB).mistakes()).toEqual([
      `config/gatehouse.yml:6:9 omniauth.providers[0].app_id: expected the key of your OAuth consumer ${WHERE}, got the placeholder of an example`,
      `config/gatehouse.yml:7:9 omniauth.providers[0].app_secret: expected the secret of your OAuth consumer ${WHERE}, got the placeholder of an example`,
    ]);
  });

  test.each([
    ['BITBUCKET_APP_KEY', 'BITBUCKET_APP_SECRET'],
    ['<bitbucket_app_key>', '<bitbucket_app_secret>'],
    ['YOUR_APP_ID', 'YOUR APP SECRET'],
    ['YOUR_KEY', 'changeme'],
  ])('knows the placeholders %s and %s too', (key, secret) => {
    const yaml = GITLAB.replace('the consumer key', key).replace('the consumer secret', secret);
    expect(makePlace(yaml).mistakes()).toHaveLength(2);
  });
});

describe('key and secret', () => {
  test('no provider at all is fine', () => {
    expect(makePlace('omniauth: { enabled: true, providers: [] }').load().config.omniauth.providers).toEqual([]);
  });

  test('missing or empty ones are a mistake that says where to find them (CF-001)', () => {
    expect(makePlace("omniauth:\n  providers:\n    - name: bitbucket\n      app_secret: ''\n").mistakes()).toEqual([
      `config/gatehouse.yml:3:7 omniauth.providers[0].app_id: expected the key of your OAuth consumer ${WHERE}, got nothing`,
      `config/gatehouse.yml:4:7 omniauth.providers[0].app_secret: expected the secret of your OAuth consumer ${WHERE}, got nothing`,
    ]);
  });

  test('numbers need quotes (CF-001)', () => {
    const yaml = 'omniauth: { providers: [{ name: bitbucket, app_id: 1234, app_secret: 5678 }] }';
    expect(makePlace(yaml).mistakes()).toEqual([
      expect.stringMatching(/app_id: .* got 1234 without quotes$/),
      expect.stringMatching(/app_secret: .* got a number without quotes$/),
    ]);
  });

  test('the environment makes the provider named bitbucket', () => {
    const { config, sources } = makePlace().load({ BITBUCKET_APP_KEY: 'key-1', BITBUCKET_APP_SECRET: 'secret-1' });
    expect(config.omniauth.providers).toEqual([
      {
        name: 'bitbucket',
        label: 'Bitbucket',
        app_id: 'key-1',
        app_secret: 'secret-1',
        url: 'https://bitbucket.org/',
        api_url: 'https://api.bitbucket.org/2.0',
        args: { pkce: true },
      },
    ]);
    expect(sources.get('omniauth.providers[0].app_secret')).toBe('BITBUCKET_APP_SECRET');
  });

  test('the environment wins over the file and keeps the rest of the provider', () => {
    const place = withProvider('label: Ours');
    expect(
      place.load({ BITBUCKET_APP_KEY: 'key-1', BITBUCKET_APP_SECRET: 'secret-1' }).config.omniauth.providers,
    ).toMatchObject([{ label: 'Ours', app_id: 'key-1', app_secret: 'secret-1' }]);
  });

  test('the environment cures placeholders in the file', () => {
    expect(makePlace(GITLAB).mistakes({ BITBUCKET_APP_KEY: 'key-1', BITBUCKET_APP_SECRET: 'secret-1' })).toEqual([]);
  });

  test('the environment adds the provider beside one of another name', () => {
    const place = withProvider('args: { strategy: bitbucket }', 'team');
    const { config } = place.load({ BITBUCKET_APP_KEY: 'key-1', BITBUCKET_APP_SECRET: 'secret-1' });
    expect(config.omniauth.providers.map(({ name }) => name)).toEqual(['team', 'bitbucket']);
  });

  test('one of the two alone is a mistake, unless the file has the other', () => {
    expect(makePlace().mistakes({ BITBUCKET_APP_KEY: 'key-1' })).toEqual([
      'environment variable BITBUCKET_APP_KEY omniauth.providers[0].app_secret: expected BITBUCKET_APP_SECRET as well, because BITBUCKET_APP_KEY is set, got nothing',
    ]);
    expect(makePlace().mistakes({ BITBUCKET_APP_SECRET: 'secret-1' })).toEqual([
      'environment variable BITBUCKET_APP_SECRET omniauth.providers[0].app_id: expected BITBUCKET_APP_KEY as well, because BITBUCKET_APP_SECRET is set, got nothing',
    ]);
    expect(withProvider('').mistakes({ BITBUCKET_APP_SECRET: 'secret-1' })).toEqual([]);
  });

  test('importing may have a consumer of its own, whose placeholders are refused too', () => {
    expect(providerOf(withProvider('import: { app_id: key-2, app_secret: secret-2 }'))?.import).toEqual({
      app_id: 'key-2',
      app_secret: 'secret-2',
    });
    expect(withProvider('import: { app_id: the consumer key }').mistakes()).toHaveLength(2);
  });
});

describe('names', () => {
  test.each(['Bitbucket', 'bit bucket', '__proto__', 'constructor', 'a/b', '"é"'])('%s is refused (CF-001)', (name) => {
    expect(withProvider('args: { strategy: bitbucket }', name).mistakes()).toEqual([
      expect.stringContaining(
        'omniauth.providers[0].name: expected a name of small letters, digits, - and _ that is not reserved',
      ),
    ]);
  });

  test('a name other than bitbucket needs the strategy, because only Bitbucket is supported (CF-001)', () => {
    const expected =
      'config/gatehouse.yml:3:7 omniauth.providers[0].name: expected bitbucket, or another name with args: { strategy: bitbucket } (only Bitbucket Cloud is supported), got';
    expect(withProvider('', 'github').mistakes()).toEqual([`${expected} "github"`]);
    expect(withProvider('', 'bitbuket').mistakes()).toEqual([`${expected} "bitbuket" (did you mean bitbucket?)`]);
    expect(providerOf(withProvider('args: { strategy: bitbucket }', 'team-2'))?.label).toBe('Bitbucket');
    expect(withProvider('args: { strategy: github }', 'github').mistakes()).toEqual([
      expect.stringContaining('omniauth.providers[0].args.strategy: expected one of bitbucket, got "github"'),
    ]);
  });

  test('two providers with one name are a mistake (CF-001)', () => {
    const provider = "{ name: bitbucket, app_id: 'key-1', app_secret: 'secret-1' }";
    expect(makePlace(`omniauth:\n  providers:\n    - ${provider}\n    - ${provider}\n`).mistakes()).toEqual([
      'config/gatehouse.yml:4:9 omniauth.providers[1].name: expected a name that no other provider has, got the second "bitbucket"',
    ]);
  });

  test.each(['allow_single_sign_on', 'auto_link_user', 'external_providers', 'sync_profile_from_provider'])(
    '%s takes names of configured providers only',
    (key) => {
      const place = withProvider(`label: x\n  `.trimEnd());
      const yaml = (name: string) =>
        `omniauth:\n  ${key}: [${name}]\n  providers: [{ name: bitbucket, app_id: key-1, app_secret: secret-1 }]\n`;
      place.write('config/gatehouse.yml', yaml('bitbucket'));
      expect(place.load().config.omniauth).toMatchObject({ [key]: ['bitbucket'] });
      place.write('config/gatehouse.yml', yaml('bitbuckt'));
      expect(place.mistakes()).toEqual([
        `config/gatehouse.yml:2:${key.length + 6} omniauth.${key}[0]: expected the name of a configured provider, got "bitbuckt" (did you mean bitbucket?)`,
      ]);
    },
  );

  test('auto_sign_in_with_provider names a configured provider', () => {
    expect(makePlace('omniauth: { auto_sign_in_with_provider: bitbucket }').mistakes()).toEqual([
      'config/gatehouse.yml:1:13 omniauth.auto_sign_in_with_provider: expected the name of a configured provider, got "bitbucket"',
    ]);
    const { config } = makePlace('omniauth: { auto_sign_in_with_provider: bitbucket }').load({
      BITBUCKET_APP_KEY: 'key-1',
      BITBUCKET_APP_SECRET: 'secret-1',
    });
    expect(config.omniauth.auto_sign_in_with_provider).toBe('bitbucket');
  });
});

describe('addresses', () => {
  test.each([
    ['url: https://bitbucket.org', 'https://bitbucket.org/', 'https://api.bitbucket.org/2.0'],
    ['url: http://127.0.0.1:3001', 'http://127.0.0.1:3001/', 'http://127.0.0.1:3001/api/2.0'],
    ['url: https://proxy.test/bb/', 'https://proxy.test/bb/', 'https://proxy.test/bb/api/2.0'],
    ['api_url: https://api.bitbucket.org/2.0/', 'https://bitbucket.org/', 'https://api.bitbucket.org/2.0'],
  ])('%s', (lines, url, apiUrl) => {
    expect(providerOf(withProvider(lines))).toMatchObject({ url, api_url: apiUrl });
  });

  test.each(['url', 'api_url'])('%s is https unless it is this machine', (key) => {
    expect(withProvider(`${key}: http://bitbucket.org/`).mistakes()).toEqual([
      expect.stringMatching(new RegExp(`\\.${key}: expected the address of Bitbucket.* got "http://bitbucket.org/"$`)),
    ]);
    expect(withProvider(`${key}: http://localhost:3001/`).mistakes()).toEqual([]);
    expect(withProvider(`${key}: https://bitbucket.org/?x=1`).mistakes()).toHaveLength(1);
  });
});

describe('the rest of a provider', () => {
  test('allowed_workspaces takes slugs and uuids in braces', () => {
    const uuid = '{3cd4b4e0-7e3a-4b6c-9d2e-0f1a2b3c4d5e}';
    expect(providerOf(withProvider(`allowed_workspaces: [acme, '${uuid}']`))?.allowed_workspaces).toEqual([
      'acme',
      uuid,
    ]);
  });

  test.each(['*', 'https://bitbucket.org/acme', '{acme}', ''])(
    'allowed_workspaces does not take %j (CF-001)',
    (item) => {
      expect(withProvider(`allowed_workspaces: ['${item}']`).mistakes()).toEqual([
        expect.stringContaining('allowed_workspaces[0]: expected the slug or {uuid} of a workspace'),
      ]);
    },
  );

  test('an empty allowed_workspaces does not mean everybody (CF-001)', () => {
    expect(withProvider('allowed_workspaces: []').mistakes()).toEqual([
      'config/gatehouse.yml:6:7 omniauth.providers[0].allowed_workspaces: expected at least one workspace (leave the key out to let everybody in), got an empty list',
    ]);
  });

  test('icon takes a data URI, and an image file that becomes one', () => {
    const uri = 'data:image/png;base64,iVBORw0KGgo=';
    expect(providerOf(withProvider(`icon: '${uri}'`))?.icon).toBe(uri);
    const place = withProvider('icon: icons/team.svg');
    place.write('icons/team.svg', '<svg/>');
    expect(providerOf(place)?.icon).toBe('data:image/svg+xml;base64,PHN2Zy8+');
  });

  test.each([
    ['icons/none.svg', 'no file that can be read there'],
    ['config/gatehouse.yml', 'a file that ends with none of .svg, .png, .jpg, .jpeg, .gif, .webp, .ico'],
    ['icons', 'a file that ends with none of'],
  ])('icon does not take the path %s', (icon, got) => {
    expect(withProvider(`icon: ${icon}`).mistakes()).toEqual([
      expect.stringContaining(`.icon: expected an image file or a data:image/… URI, got ${got}`),
    ]);
  });

  test.each(['//evil.test/x.png', 'https://evil.test/x.png', 'javascript:alert(1)', 'data:text/html,x', 'a b', '/x"y'])(
    'icon does not take %s',
    (icon) => {
      expect(withProvider(`icon: '${icon}'`).mistakes()).toEqual([expect.stringContaining('.icon: expected a path')]);
    },
  );

  test('args takes scope as text or list, pkce, strategy and nothing else (CF-001)', () => {
    expect(providerOf(withProvider('args: { scope: account email, pkce: false }'))?.args).toEqual({
      pkce: false,
      scope: ['account', 'email'],
    });
    expect(providerOf(withProvider('args: { scope: [account, email] }'))?.args.scope).toEqual(['account', 'email']);
    expect(withProvider('args: { scopes: account }').mistakes()).toEqual([
      expect.stringContaining('args.scopes: expected a known setting, got an unknown key (did you mean scope?)'),
    ]);
  });
});
