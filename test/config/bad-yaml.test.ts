// Files that are no configuration: broken YAML, tricks of YAML, bombs, other encodings. Every answer is quick and has a place.
import { symlinkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cpuMs } from '../support/cpu.ts';
import { makePlace } from './make-place.ts';

const FILE = 'config/gatehouse.yml';

function mistakesIn(yaml: string | Buffer): string[] {
  return makePlace(yaml).mistakes();
}

describe('broken YAML', () => {
  test.each([
    [
      'indentation',
      'listen:\n    port: 1\n  host: x\n',
      '3:1: expected the indentation of the lines above, got another one',
    ],
    ['an open quote', 'data_dir: "data\n', '2:1: expected a missing character: a closing quote'],
    ['an open brace', 'listen: { port: 1\n', '2:1: expected the indentation of the lines above, got another one (is a'],
    ['a second colon', 'data_dir: a: b\n', '1:11: expected one "key: value" on this line, got a second colon'],
    ['a reserved sign', 'data_dir: %x\n', '1:11: expected a value, got one that starts with a reserved character'],
    ['a bad escape', 'data_dir: "\\q"\n', '1:12: expected a valid escape, got a backslash with something else'],
    ['a tab', 'listen:\n\tport: 1\n', '2:1: expected spaces as indentation, got a tab'],
    ['a key without colon', 'listen: {}\nport\n', '2:1: expected a missing character'],
    ['two documents', 'listen: {}\n---\nlisten: {}\n', '2:1: expected one document, got a second one'],
    ['text after the end', 'listen: {}\n...\nx: [\n', '4:1: expected'],
    ['a key that is a list', '? [a]\n: b\n', '1:3: expected a plain word as key, got something else'],
    ['a key that is an alias', 'data_dir: &x a\n*x : b\n', '2:1: expected a plain word as key, got something else'],
  ])('%s (CF-001)', (_, yaml, expected) => {
    expect(mistakesIn(yaml)).toEqual([expect.stringContaining(`${FILE}:${expected}`)]);
  });

  test('several mistakes are told at once, one a line (CF-001, CF-002)', () => {
    expect(mistakesIn('data_dir: "\\q"\nlog: %x\nimport: a: b\n').map((line) => line.split(': ')[0])).toEqual([
      `${FILE}:1:12`,
      `${FILE}:2:6`,
      `${FILE}:3:9`,
    ]);
  });

  test.each([
    ['- a\n', 'a list'],
    ['42\n', 'a value'],
    ['text\n', 'a value'],
  ])('a document that is no mapping: %j (CF-001)', (yaml, got) => {
    expect(mistakesIn(yaml)).toEqual([`${FILE}:1:1: expected a mapping of settings, got ${got}`]);
  });
});

describe('tricks of YAML', () => {
  test.each([
    ['a key twice', 'listen:\n  port: 1\n  port: 2\n', '3:3 listen.port: expected every key once, got a duplicate key'],
    [
      'a key twice, once in quotes',
      '"data_dir": a\ndata_dir: b\n',
      '2:1 data_dir: expected every key once, got a duplicate key',
    ],
    ['a tag that runs code', 'data_dir: !!js/function "x"\n', '1:25 data_dir: expected a plain value, got a tag'],
    ['a tag that reads a file', 'data_dir: !include /etc/passwd\n', '1:20 data_dir: expected a plain value, got a tag'],
    ['__proto__', '__proto__:\n  x: 1\n', '1:1 __proto__: expected a known setting, got an unknown key'],
    ['__proto__ deeper', 'listen: { __proto__: { port: 1 } }\n', '1:11 listen.__proto__: expected a known setting'],
    ['constructor', 'constructor: 1\n', '1:1 constructor: expected a known setting, got an unknown key'],
    ['a merge key', 'listen:\n  <<: { port: 1 }\n', '2:3 listen.<<: expected the settings themselves, got a merge key'],
    [
      'an alias without anchor',
      'data_dir: *x\n',
      '1:11 data_dir: expected a value, got an alias whose anchor is missing',
    ],
  ])('%s is refused (CF-001)', (_, yaml, expected) => {
    expect(mistakesIn(yaml)).toEqual([expect.stringContaining(`${FILE}:${expected}`)]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('a few aliases are fine (CF-001)', () => {
    const { config } = makePlace('data_dir: &x a\ntrusted_proxies: &p [10.0.0.1]\nmonitoring: { allow: *p }\n').load();
    expect(config.monitoring.allow).toEqual(['10.0.0.1']);
  });

  test('%YAML 1.1 does not bring back its booleans (CF-001)', () => {
    expect(mistakesIn('%YAML 1.1\n---\npassword_sign_in: yes\n')).toEqual([
      `${FILE}:3:1 password_sign_in: expected true or false, got "yes"`,
    ]);
  });
});

describe('bombs', () => {
  const laughs = [
    'a: &a [x, x]',
    ...'bcdefghijk'.split('').map((name, at) => {
      const before = 'abcdefghijk'[at];
      return `${name}: &${name} [*${before}, *${before}, *${before}, *${before}]`;
    }),
  ].join('\n');
  const deep = Array.from({ length: 300 }, (_, at) => `${' '.repeat(at)}a:`).join('\n');

  test.each([
    ['aliases of aliases', laughs, 'expected at most 20 aliases, got more'],
    ['an alias that holds itself', 'a: &a [*a]', 'expected values nested at most 20 levels deep, got more'],
    ['deep nesting by lines', deep, 'expected values nested at most 20 levels deep, got more'],
    ['deep nesting by brackets', '['.repeat(20_000), 'expected values nested at most 20 levels deep, got more'],
    ['all brackets', '['.repeat(250_000), 'expected a configuration, got too many brackets, commas or other signs'],
    [
      'all commas',
      `[${','.repeat(250_000)}]`,
      'expected a configuration, got too many brackets, commas or other signs',
    ],
    ['thousands of values', `a: [${'1, '.repeat(6_000)}]`, 'expected at most 5000 values, got more'],
    ['more than 256 KiB', `# ${'x'.repeat(256 * 1024)}`, 'expected at most 256 KiB, got a file that is too large'],
  ])('%s (CF-001)', (_, yaml, expected) => {
    const busy = cpuMs();
    expect(mistakesIn(yaml)).toContainEqual(expect.stringContaining(expected));
    expect(cpuMs() - busy).toBeLessThan(10_000);
  });

  test('a file of 256 KiB is read (CF-001)', () => {
    expect(mistakesIn(`#${'x'.repeat(256 * 1024 - 2)}\n`)).toEqual([]);
  });

  test('thousands of mistakes are cut off at a hundred (CF-001)', () => {
    const yaml = Array.from({ length: 4_000 }, (_, at) => `k${at}: { <<: x }`).join('\n');
    expect(mistakesIn(yaml)).toHaveLength(100);
  });
});

describe('encodings', () => {
  test('a byte order mark, CRLF and trailing spaces are fine (CF-001)', () => {
    expect(makePlace('\ufefflisten:  \r\n  port: 4000  \r\n').load().config.listen.port).toBe(4000);
  });

  test.each([
    ['UTF-16', Buffer.from('\ufefflisten: {}', 'utf16le'), '1:1: expected UTF-8 text, got another encoding'],
    ['Latin-1', Buffer.from('data_dir: é', 'latin1'), '1:1: expected UTF-8 text, got another encoding'],
    ['NUL', 'a: 1\nb: "x\0y"', '2:6: expected plain text, got the control character U+0000'],
    ['bell', 'data_dir: x\x07y', '1:12: expected plain text, got the control character U+0007'],
    ['lone carriage returns', 'a: 1\rb: 2', '1:5: expected plain text, got the control character U+000D'],
    [
      'an escaped control character',
      'data_dir: "x\\0y"',
      '1:11 data_dir: expected plain text, got a control character',
    ],
  ])('%s is refused (CF-001)', (_, yaml, expected) => {
    expect(mistakesIn(yaml)).toEqual([`${FILE}:${expected}`]);
  });
});

describe('things that are no file', () => {
  test('a directory and a link that leads in a circle (CF-001)', () => {
    const { cwd, mistakes } = makePlace();
    mkdirSync(join(cwd, 'directory'));
    symlinkSync('circle', join(cwd, 'circle'));
    expect(mistakes({}, 'directory')).toEqual(['directory:1:1: expected a readable file, got a directory']);
    expect(mistakes({}, 'circle')).toEqual([
      'circle:1:1: expected a readable file, got a symbolic link that leads in a circle',
    ]);
  });

  test('a device that never ends (CF-001)', () => {
    expect(makePlace().mistakes({}, '/dev/zero')).toEqual([
      '/dev/zero:1:1: expected at most 256 KiB, got a file that is too large',
    ]);
  });
});
