// Which file is read, what wins over what, and what a good configuration becomes.
import { join } from 'node:path';
import { parseDatabaseUrl } from '../../src/config/database-url.ts';
import { makePlace, PROVIDER } from './make-place.ts';

describe('the file', () => {
  test('defaults apply when there is none', () => {
    const { cwd, load } = makePlace();
    const { config, warnings, file } = load();
    expect(file).toBeUndefined();
    expect(warnings).toEqual([]);
    expect(config).toEqual({
      external_url: 'http://localhost:3000',
      listen: { host: '127.0.0.1', port: 3000, leave_seconds: 0 },
      trusted_proxies: [],
      data_dir: join(cwd, 'data'),
      database_url: 'sqlite',
      session: { idle_minutes: 480, absolute_hours: 24, remember_me_days: 14 },
      password_sign_in: true,
      omniauth: {
        enabled: true,
        allow_single_sign_on: true,
        block_auto_created_users: false,
        auto_link_user: false,
        recheck_minutes: 15,
        recheck_grace_hours: 24,
        external_providers: [],
        sync_profile_from_provider: false,
        sync_profile_attributes: ['name', 'email'],
        providers: [],
      },
      import: { enabled: true, concurrency: 2, resync: 'never', max_repository_mb: 20_480 },
      rate_limits: { oauth_per_minute: 60, password_per_minute: 20, password_per_account: 10 },
      monitoring: { allow: ['127.0.0.0/8', '::1'] },
      smtp: {},
      audit: { keep_days: 365 },
      log: { level: 'info', format: 'json' },
    });
  });

  test.each([
    '',
    '# nothing yet\n',
    '---\n',
    '{}\n',
    '~\n',
    'null\n',
    'session:\nlisten:\n',
    "external_url: ''\nsecret_key:\n",
  ])('an empty one, or one with empty values, means defaults: %j (CF-001)', (yaml) => {
    const place = makePlace(yaml);
    expect(place.load().config).toEqual({ ...makePlace().load().config, data_dir: join(place.cwd, 'data') });
  });

  test('config/gatehouse.yml is read when it is there', () => {
    const { cwd, load } = makePlace('listen: { port: 4000 }');
    expect(load()).toMatchObject({ config: { listen: { port: 4000 } }, file: join(cwd, 'config/gatehouse.yml') });
  });

  test('GATEHOUSE_CONFIG names another one, and --config wins over both (CF-001)', () => {
    const place = makePlace('listen: { port: 4000 }');
    place.write('b.yml', 'listen: { port: 4001 }');
    place.write('c.yml', 'listen: { port: 4002 }');
    expect(place.load({ GATEHOUSE_CONFIG: 'b.yml' }).config.listen.port).toBe(4001);
    expect(place.load({ GATEHOUSE_CONFIG: '' }).config.listen.port).toBe(4000);
    expect(place.load({ GATEHOUSE_CONFIG: 'b.yml' }, 'c.yml').config.listen.port).toBe(4002);
  });

  test('one that was asked for must be there', () => {
    const { cwd, mistakes } = makePlace();
    expect(mistakes({}, 'x.yml')).toEqual(['x.yml:1:1: expected a readable file, got no such file']);
    expect(mistakes({ GATEHOUSE_CONFIG: 'x.yml' })).toEqual(['x.yml:1:1: expected a readable file, got no such file']);
    expect(mistakes({}, '/nowhere/x.yml')).toEqual(['/nowhere/x.yml:1:1: expected a readable file, got no such file']);
    expect(mistakes({}, join(cwd, 'x.yml'))).toEqual(['x.yml:1:1: expected a readable file, got no such file']);
  });
});

describe('the environment', () => {
  test('wins over the file, and the file over the defaults (CF-005)', () => {
    const { load } = makePlace('listen: { host: 0.0.0.0, port: 4000 }');
    const { config, sources } = load({ PORT: '5000' });
    expect(config.listen).toMatchObject({ host: '0.0.0.0', port: 5000 });
    expect(config.external_url).toBe('http://localhost:5000');
    expect(sources.get('listen.port')).toBe('PORT');
    expect(sources.get('listen.host')).toBe('file');
    expect(sources.get('data_dir')).toBe('default');
  });

  test('sets every setting that has a variable', () => {
    const { config } = makePlace().load({
      GATEHOUSE_URL: 'https://gate.example.com/git/',
      GATEHOUSE_HOST: '::',
      PORT: '8080',
      TRUSTED_PROXIES: '10.0.0.0/8, ::1,',
      GATEHOUSE_DATA_DIR: '/var/lib/gatehouse',
      DATABASE_URL: 'postgres://gate:pw@db/gate',
      GATEHOUSE_SECRET_KEY: `${'new-key-'.repeat(4)},${'old-key-'.repeat(4)}`,
      BITBUCKET_APP_KEY: 'QMTsUnWJZjMq',
      BITBUCKET_APP_SECRET: 'wdV8hxK3mPqL',
      GATEHOUSE_ROOT_PASSWORD: 'correct, horse',
    });
    expect(config).toMatchObject({
      external_url: 'https://gate.example.com/git',
      listen: { host: '::', port: 8080 },
      trusted_proxies: ['10.0.0.0/8', '::1'],
      data_dir: '/var/lib/gatehouse',
      database_url: 'postgres://gate:pw@db/gate',
      secret_key: ['new-key-'.repeat(4), 'old-key-'.repeat(4)],
      root_password: 'correct, horse',
    });
    expect(config.omniauth.providers).toMatchObject([{ name: 'bitbucket', app_id: 'QMTsUnWJZjMq' }]);
  });

  test('an empty variable counts as unset (CF-005)', () => {
    const { load } = makePlace('listen: { port: 4000 }');
    expect(load({ PORT: '', DATABASE_URL: '' }).config).toMatchObject({
      listen: { port: 4000 },
      database_url: 'sqlite',
    });
  });

  test('.env is read from the working directory and loses against the real environment (CF-005)', () => {
    const place = makePlace();
    place.write('.env', 'PORT=4000\nGATEHOUSE_HOST="0.0.0.0" # everywhere\n');
    expect(place.load({ PORT: '5000' }).config.listen).toMatchObject({ host: '0.0.0.0', port: 5000 });
  });

  test('mistakes name the variable, or the line of .env when it comes from there (CF-002)', () => {
    const place = makePlace('trusted_proxies: [10.0.0.1, 10.0.0.2]');
    place.write('.env', 'A=1\nPORT=4000\n\n  export PORT=http\nGATEHOUSE_LEAVE_SECONDS_FILE=none\n');
    expect(place.mistakes({ TRUSTED_PROXIES: '10.0.0.1,everybody', DATABASE_URL: 'mysql://u:hunter22@h/d' })).toEqual([
      '.env:4:10 listen.port: expected a whole number from 1 to 65535, got "http"',
      '.env:5:1 listen.leave_seconds: expected a readable file, got no such file',
      'environment variable TRUSTED_PROXIES trusted_proxies[1]: expected an IP address or a range such as 10.0.0.0/8, got "everybody"',
      'environment variable DATABASE_URL database_url: expected sqlite, sqlite:PATH or postgres://user:password@host/database, got a text of 22 characters',
    ]);
  });

  test('a .env that cannot be read is a mistake (CF-005)', () => {
    const place = makePlace();
    place.write('.env/x', '');
    expect(place.mistakes()).toEqual(['.env: expected a readable file, got a directory']);
  });
});

describe('what a configuration becomes', () => {
  test('it is frozen through and through', () => {
    const { config } = makePlace(PROVIDER).load();
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.omniauth.providers[0]?.args)).toBe(true);
    expect(() => config.trusted_proxies.push('10.0.0.1')).toThrow(TypeError);
  });

  test('relative paths start at the working directory', () => {
    const { cwd, load } = makePlace('data_dir: ./store\ndatabase_url: sqlite:db/gate.db\n');
    expect(load().config).toMatchObject({
      data_dir: join(cwd, 'store'),
      database_url: `sqlite:${join(cwd, 'db/gate.db')}`,
    });
  });

  test.each([
    ['sqlite', { kind: 'sqlite', path: '/srv/data/gatehouse.db' }],
    ['sqlite:/var/db/g.db', { kind: 'sqlite', path: '/var/db/g.db' }],
    ['sqlite:///var/db/g.db', { kind: 'sqlite', path: '/var/db/g.db' }],
    ['sqlite::memory:', { kind: 'sqlite', path: ':memory:' }],
    ['postgresql://db/gate', { kind: 'postgres', url: 'postgresql://db/gate' }],
  ])('database_url %s is understood', (url, expected) => {
    const yaml = `data_dir: /srv/data\ndatabase_url: "${url}"\nsecret_key: ${'0123456789abcdef'.repeat(2)}\n`;
    expect(parseDatabaseUrl(makePlace(yaml).load().config)).toEqual(expected);
  });

  test.each([
    ['http://localhost:3000/', 'http://localhost:3000'],
    ['http://127.0.0.1:80', 'http://127.0.0.1'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
    ['https://Gate.Example.com//', 'https://gate.example.com'],
    ['https://example.com/git/', 'https://example.com/git'],
  ])('external_url %s becomes %s', (written, expected) => {
    expect(makePlace(`external_url: '${written}'`).load().config.external_url).toBe(expected);
  });

  test('a single secret_key becomes a list, and a list stays newest first (CF-001)', () => {
    const [fresh, old] = ['fresh-0123456789-0123456789-0123', 'older-0123456789-0123456789-0123'];
    expect(makePlace(`secret_key: ${fresh}`).load().config.secret_key).toEqual([fresh]);
    expect(makePlace(`secret_key: [${fresh}, ${old}]`).load().config.secret_key).toEqual([fresh, old]);
    expect(makePlace().load().config.secret_key).toBeUndefined();
  });

  test('PostgreSQL needs a secret_key, and the mistake says how to make one (CF-001)', () => {
    const expected =
      'secret_key: expected a key, because PostgreSQL is used (make one with: openssl rand -hex 32), got nothing';
    expect(makePlace('listen: {}\ndatabase_url: postgres://db/gate').mistakes()).toEqual([
      `config/gatehouse.yml:2:1 ${expected}`,
    ]);
    expect(makePlace().mistakes({ DATABASE_URL: 'postgres://db/gate' })).toEqual([
      `environment variable DATABASE_URL ${expected}`,
    ]);
  });
});
