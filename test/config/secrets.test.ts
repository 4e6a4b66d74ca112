// Where secrets come from, who else can read them, and that no message shows one.
import { chmodSync } from 'node:fs';
import { exposure } from '../../src/config/read-file.ts';
import { makePlace, PROVIDER } from './make-place.ts';

const KEY = '6f1d3b0c9a7e52846f1d3b0c9a7e5284';

test.each(['https:/user:pass9word@x.example', 'user:pass9word@x.example', 'https://user:pass9word@x.example/'])(
  'what stands before an @ is not shown: %s (CF-004)',
  (address) => {
    const [mistake] = makePlace(`external_url: '${address}'`).mistakes();
    expect(mistake).toContain('…@x.example');
    expect(mistake).not.toContain('pass9word');
  },
);

describe('NAME_FILE', () => {
  test('names a file that holds the value; line ends after it are left out (CF-005)', () => {
    const place = makePlace();
    place.write('run/key', `${KEY}\r\n`);
    place.write('run/port', '4000\n');
    const { config, sources } = place.load({ GATEHOUSE_SECRET_KEY_FILE: 'run/key', PORT_FILE: 'run/port' });
    expect(config).toMatchObject({ secret_key: [KEY], listen: { port: 4000 } });
    expect(sources.get('secret_key')).toBe('GATEHOUSE_SECRET_KEY_FILE');
  });

  test('sets key and secret of the provider and values inside the file (CF-005)', () => {
    const place = makePlace("listen: { port: '${WEB_PORT}' }");
    place.write('run/id', 'QMTsUnWJZjMq');
    place.write('run/secret', 'wdV8hxK3mPqL\n');
    place.write('run/port', '4000\n');
    const env = {
      BITBUCKET_APP_KEY_FILE: 'run/id',
      BITBUCKET_APP_SECRET_FILE: 'run/secret',
      WEB_PORT_FILE: 'run/port',
    };
    expect(place.load(env).config).toMatchObject({
      listen: { port: 4000 },
      omniauth: { providers: [{ app_id: 'QMTsUnWJZjMq', app_secret: 'wdV8hxK3mPqL' }] },
    });
  });

  test('both NAME and NAME_FILE are a mistake (CF-005)', () => {
    const place = makePlace();
    place.write('port', '4000');
    expect(place.mistakes({ PORT: '4000', PORT_FILE: 'port' })).toEqual([
      'environment variable PORT listen.port: expected PORT or PORT_FILE, got both',
    ]);
  });

  test('a file that is missing, empty, a directory, too large or no text is a mistake (CF-001, CF-005)', () => {
    const place = makePlace();
    place.write('empty', '\n');
    place.write('directory/x', '');
    place.write('large', 'x'.repeat(70_000));
    place.write('binary', Buffer.from([0xff, 0xfe, 0x00]));
    const messageFor = (path: string) => place.mistakes({ GATEHOUSE_SECRET_KEY_FILE: path });
    const where = 'environment variable GATEHOUSE_SECRET_KEY_FILE secret_key:';
    expect(messageFor('missing')).toEqual([`${where} expected a readable file, got no such file`]);
    expect(messageFor('empty')).toEqual([`${where} expected a value in the file it names, got an empty file`]);
    expect(messageFor('directory')).toEqual([`${where} expected a readable file, got a directory`]);
    expect(messageFor('large')).toEqual([`${where} expected at most 64 KiB, got a file that is too large`]);
    expect(messageFor('binary')).toEqual([`${where} expected UTF-8 text, got another encoding`]);
  });
});

describe('a secret in a file that others can read', () => {
  const warning = (name: string, what: string) =>
    `${name}: holds a secret and can be ${what} by other users of this machine (permissions; cure: chmod 600 ${name})`;

  test('is warned about in the configuration file (CF-001, CF-006)', () => {
    const place = makePlace();
    const path = place.write('config/gatehouse.yml', PROVIDER, 0o644);
    expect(place.load().warnings).toEqual([warning('config/gatehouse.yml', 'read')]);
    chmodSync(path, 0o666);
    expect(place.load().warnings).toEqual([warning('config/gatehouse.yml', 'read and changed')]);
    chmodSync(path, 0o640);
    expect(place.load().warnings).toEqual([]);
  });

  test('is warned about in .env and in the file NAME_FILE names (CF-006)', () => {
    const place = makePlace();
    place.write('.env', `GATEHOUSE_ROOT_PASSWORD=correct horse\n`, 0o644);
    place.write('key', KEY, 0o444);
    expect(place.load({ GATEHOUSE_SECRET_KEY_FILE: 'key' }).warnings).toEqual([
      warning('key', 'read'),
      warning('.env', 'read'),
    ]);
  });

  test('is warned about when the file belongs to somebody else (CF-001, CF-006)', () => {
    const file = { text: '', mode: 0o600 };
    const me = process.getuid?.();
    expect(exposure('key', { ...file, owner: 64_321 })).toBe(
      'key: holds a secret and its owner is another user of this machine',
    );
    expect(exposure('key', { ...file, owner: me })).toBeUndefined();
    expect(exposure('key', { ...file, owner: 0 })).toBeUndefined(); // root reads everything anyway
  });

  test('is no matter when the secret itself is elsewhere or there is none (CF-006)', () => {
    const place = makePlace();
    place.write('config/gatehouse.yml', 'secret_key: ${KEY}\ndatabase_url: sqlite\nlisten: { port: 4000 }\n', 0o644);
    place.write('.env', 'PORT=4000\n', 0o644);
    expect(place.load({ KEY }).warnings).toEqual([]);
  });
});

describe('no message shows a secret', () => {
  const CANARY = 'CANARY';
  const files = {
    'short key': `secret_key: ${CANARY}`,
    'key of another type': `secret_key: { ${CANARY}: 1 }`,
    'number as key': 'secret_key: 77777777777777777777777777777777777',
    'short key in a list': `secret_key: [${CANARY}]`,
    'broken database address': `database_url: mysql://u:${CANARY}@h/d`,
    'password in an address': `external_url: https://u:${CANARY}@example.com`,
    'secret with a line break': `omniauth: { providers: [{ name: bitbucket, app_id: a, app_secret: "${CANARY}\\n1" }] }`,
    'secret that is a list': `omniauth: { providers: [{ name: bitbucket, app_id: a, app_secret: [${CANARY}] }] }`,
    'missing space after the colon': `omniauth: { providers: [{ name: bitbucket, app_id: a, app_secret:${CANARY} }] }`,
    'section that is a text': `omniauth: ${CANARY}`,
    'secret that starts like an alias': `secret_key: *${CANARY}`,
    'secret that starts like a tag': `secret_key: !${CANARY} x`,
    'secret with a reserved sign': `secret_key: "@` + `${CANARY}\nother: @${CANARY}`,
    'unterminated quote': `secret_key: "${CANARY}`,
    'bad escape': `secret_key: "\\x${CANARY}"`,
    'second colon': `secret_key: ${CANARY}: ${CANARY}`,
    tab: `omniauth:\n\tsecret_key: ${CANARY}`,
    'looks like a variable': `secret_key: pass\${word${CANARY}}`,
    'broken reference': `secret_key: \${${CANARY} ${CANARY}}`,
    'root password in the file': `root_password: ${CANARY}`,
  };
  test.each(Object.entries(files))('in the file: %s (CF-004)', (_, yaml) => {
    const mistakes = makePlace(yaml).mistakes();
    expect(mistakes).not.toEqual([]);
    expect(mistakes.join('\n')).not.toMatch(/CANARY|7777/);
    expect(mistakes.join('\n')).not.toMatch(/\n\s+at /);
  });

  test('from the environment, directly or through ${NAME} (CF-004)', () => {
    const mistakes = makePlace('secret_key: ${KEY}').mistakes({
      KEY: CANARY,
      GATEHOUSE_ROOT_PASSWORD: 'CANARY',
      DATABASE_URL: `nosql://${CANARY}`,
      BITBUCKET_APP_KEY: 'key',
      BITBUCKET_APP_SECRET: `${CANARY} ${CANARY}`,
    });
    expect(mistakes).toHaveLength(4);
    expect(mistakes.join('\n')).not.toContain(CANARY);
  });

  test('the kind and length are told instead (CF-004)', () => {
    expect(makePlace('secret_key: abc').mistakes()).toEqual([
      'config/gatehouse.yml:1:1 secret_key: expected at least 32 characters (make one with: openssl rand -hex 32), got a text of 3 characters',
    ]);
  });
});

describe('the password of root', () => {
  test('comes from the environment only', () => {
    expect(makePlace('root_password: correct horse').mistakes()).toEqual([
      'config/gatehouse.yml:1:1 root_password: expected the environment variable GATEHOUSE_ROOT_PASSWORD instead, got a key of the file',
    ]);
    expect(makePlace().load({ GATEHOUSE_ROOT_PASSWORD: 'correct horse' }).config.root_password).toBe('correct horse');
  });

  test('has at least 8 characters and at most 1024 bytes', () => {
    const expected = 'expected at least 8 characters and at most 1024 bytes, got a text of';
    expect(makePlace().mistakes({ GATEHOUSE_ROOT_PASSWORD: 'seven77' })).toEqual([
      `environment variable GATEHOUSE_ROOT_PASSWORD root_password: ${expected} 7 characters`,
    ]);
    expect(makePlace().mistakes({ GATEHOUSE_ROOT_PASSWORD: 'é'.repeat(513) })).toHaveLength(1);
    expect(makePlace().mistakes({ GATEHOUSE_ROOT_PASSWORD: 'é'.repeat(512) })).toEqual([]);
  });
});
