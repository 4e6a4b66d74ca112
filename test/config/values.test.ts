// Wrong values and unknown keys: what the complaint says, and that all of them come at once.
import { makePlace } from './make-place.ts';

function mistakeIn(yaml: string): string {
  const mistakes = makePlace(yaml).mistakes();
  expect(mistakes).toHaveLength(1);
  return mistakes[0] ?? '';
}

test('all mistakes are told at once, in the order of the file (CF-002)', () => {
  const yaml = `listen:
  prot: 3000
  host: 1
session: { idle_minutes: 5m }
log:
  level: loud
secret_key: short
extra: 1
`;
  expect(makePlace(yaml).mistakes({ TRUSTED_PROXIES: '*' })).toEqual([
    'config/gatehouse.yml:2:3 listen.prot: expected a known setting, got an unknown key (did you mean port?)',
    'config/gatehouse.yml:3:3 listen.host: expected an IP address or host name, got 1 without quotes',
    'config/gatehouse.yml:4:12 session.idle_minutes: expected a whole number from 1 to 525600, got "5m"',
    'config/gatehouse.yml:6:3 log.level: expected one of trace, debug, info, warn, error, fatal, silent, got "loud"',
    'config/gatehouse.yml:7:1 secret_key: expected at least 32 characters (make one with: openssl rand -hex 32), got a text of 5 characters',
    'config/gatehouse.yml:8:1 extra: expected a known setting, got an unknown key',
    'environment variable TRUSTED_PROXIES trusted_proxies[0]: expected an IP address or a range such as 10.0.0.0/8, got "*"',
  ]);
});

test.each([
  ['0', '0'],
  ['65536', '65536'],
  ['-1', '-1'],
  ['3.5', '3.5'],
  ['1e99', '"1e99"'],
  ['.inf', '".inf"'],
  ['08080', '"08080"'],
  ['0x1F90', '"0x1F90"'],
  ['"3000"', '"3000"'],
  ['true', 'true'],
  ['[3000]', 'a list'],
  ['{ a: 1 }', 'a mapping'],
])('a port is a whole number from 1 to 65535, not %s (CF-001)', (written, got) => {
  expect(mistakeIn(`listen:\n  port: ${written}`)).toBe(
    `config/gatehouse.yml:2:3 listen.port: expected a whole number from 1 to 65535, got ${got}`,
  );
});

test.each(['yes', 'no', 'on', '"false"', 'tru', '1', '[true]'])(
  'a switch is true or false, not %s (CF-001)',
  (written) => {
    expect(mistakeIn(`password_sign_in: ${written}`)).toMatch(/password_sign_in: expected true or false, got /);
  },
);

test.each([
  'http://gate.example.com',
  'https://gate.example.com?x=1',
  'https://gate.example.com/#x',
  'https://user:pw@gate.example.com',
  'https://',
  'ftp://gate.example.com',
  'javascript:alert(1)',
  'gate.example.com',
  'https://gate.example.com\\x',
  'https://gate example.com',
  'http://localhost.evil.test',
  '[https://a.test, https://b.test]',
])(
  'external_url is https, or http on loopback, without user, query and fragment; not %s (CF-001, SE-028)',
  (written) => {
    expect(mistakeIn(`external_url: ${written}`)).toMatch(
      /external_url: expected the public address of this server: https:/,
    );
  },
);

test.each(['10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.1/', 'loopback', '*', 'example.com', 'fe80::1%eth0'])(
  'a proxy is an address or a range, not %s (CF-001, CF-015)',
  (written) => {
    expect(mistakeIn(`trusted_proxies: ['${written}']`)).toMatch(
      /trusted_proxies\[0\]: expected an IP address or a range/,
    );
  },
);

test.each([
  'mail.example.com',
  'http://mail.example.com',
  'smtp://',
  'smtp://mail.example.com/path',
  'smtp://mail.example.com?logger=true',
  'smtp://user:100%@mail.example.com',
  'smtp://mail example.com',
])('a mail server is an smtp:// or smtps:// address without path and query, not %s (CF-001)', (written) => {
  const mistake = mistakeIn(`smtp: { url: '${written}' }`);
  expect(mistake).toMatch(/smtp\.url: expected smtp:\/\/user:password@host:port or smtps/);
  expect(mistake).not.toContain('100%');
});

test.each(['nobody', 'a@b.test, c@d.test', 'Gate <a@b.test', 'a@b.test>'])(
  'a sender is one address, not %s (CF-001)',
  (written) => {
    expect(mistakeIn(`smtp: { from: '${written}' }`)).toMatch(
      /smtp\.from: expected an e-mail address, or Name <address>/,
    );
  },
);

test('one value where a list is wanted is refused (CF-001)', () => {
  expect(mistakeIn('trusted_proxies: 10.0.0.1')).toMatch(/expected a list of IP addresses or ranges, got "10.0.0.1"/);
});

test.each([
  ['session: { idle_minutes: 0 }', 'session.idle_minutes: expected a whole number from 1 to 525600, got 0'],
  [
    'session: { absolute_hours: 99999999 }',
    'session.absolute_hours: expected a whole number from 1 to 8760, got 99999999',
  ],
  ['session: { idle_minutes: -5 }', 'session.idle_minutes: expected a whole number from 1 to 525600, got -5'],
  ['session: { idle_minutes: .inf }', 'session.idle_minutes: expected a whole number from 1 to 525600, got ".inf"'],
  ['session: { remember_me_days: 401 }', 'session.remember_me_days: expected a whole number from 1 to 400, got 401'],
  [
    'rate_limits: { oauth_per_minute: -1 }',
    'rate_limits.oauth_per_minute: expected a whole number from 0 to 1000000, got -1',
  ],
  ['import: { concurrency: 0 }', 'import.concurrency: expected a whole number from 1 to 64, got 0'],
  ['log: { format: xml }', 'log.format: expected one of json, pretty, got "xml"'],
  ['secret_key: []', 'secret_key: expected at least one key, got an empty list'],
  [
    `database_url: "postgres://"\nsecret_key: ${'0123456789abcdef'.repeat(2)}`,
    'database_url: expected sqlite, sqlite:PATH or postgres://user:password@host/database, got a text of 11 characters',
  ],
  [
    'database_url: "sqlite:"',
    'database_url: expected sqlite, sqlite:PATH or postgres://user:password@host/database, got a text of 7 characters',
  ],
  [
    'omniauth: { allow_single_sign_on: maybe }',
    'omniauth.allow_single_sign_on: expected true, false or a list of provider names, got "maybe"',
  ],
  [
    'omniauth: { sync_profile_attributes: [phone] }',
    'omniauth.sync_profile_attributes[0]: expected one of name, email, got "phone"',
  ],
])('%s is refused (CF-001)', (yaml, expected) => {
  expect(mistakeIn(yaml)).toContain(` ${expected}`);
});

test('0 switches a limit off', () => {
  expect(makePlace('rate_limits: { oauth_per_minute: 0 }').load().config.rate_limits.oauth_per_minute).toBe(0);
});

test.each([
  ['listen: { prot: 1 }', 'listen.prot', 'port'],
  ['session: { idel_minutes: 1 }', 'session.idel_minutes', 'idle_minutes'],
  ['omniath: {}', 'omniath', 'omniauth'],
  ['Listen: {}', 'Listen', 'listen'],
  ['port: 3000', 'port', 'listen.port'],
  ['providers: []', 'providers', 'omniauth.providers'],
  ['omniauth: { app_id: x }', 'omniauth.app_id', 'omniauth.providers[].app_id'],
])('an unknown key is refused with the likely one: %s (CF-001)', (yaml, key, meant) => {
  expect(mistakeIn(yaml)).toMatch(`${key}: expected a known setting, got an unknown key (did you mean ${meant}?)`);
});

test('an unknown key is refused when it is empty, and without a guess when nothing is near (CF-001)', () => {
  expect(mistakeIn('colour:\n')).toBe('config/gatehouse.yml:1:1 colour: expected a known setting, got an unknown key');
});

test('a key with other signs is not shown in full (CF-001, CF-004)', () => {
  expect(mistakeIn('"port\u00a0": 1')).toBe(
    'config/gatehouse.yml:1:1 port…: expected a known setting, got an unknown key',
  );
});
