// What is generated from the schema is up to date and true.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'dotenv';
import { generateDocs } from '../../src/config/docs.ts';
import { listSettings } from '../../src/config/settings.ts';
import { makePlace } from './make-place.ts';

const ROOT = join(__dirname, '../..');
const textOf = (path: string) => generateDocs(ROOT).find((doc) => doc.path === path)?.text ?? '';
const example = textOf('config/gatehouse.example.yml');

test.each(generateDocs(ROOT).map(({ path, text }) => ({ path, text })))(
  '$path is up to date; if not, run: npm run docs',
  ({ path, text }) => {
    expect(existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : 'absent').toBe(text);
  },
);

describe('the example file', () => {
  test('loads unchanged and means the defaults', () => {
    const place = makePlace(example);
    const { config, warnings } = place.load();
    expect(warnings).toEqual([]);
    expect(config).toEqual({ ...makePlace().load().config, data_dir: join(place.cwd, 'data') });
  });

  test('with its provider switched on asks for the real key and secret, and loads once they are there', () => {
    const start = example.indexOf('  # providers:');
    const end = example.indexOf('\n\n', start);
    const provider = example.slice(start, end).replaceAll(/^ {2}# /gm, '  ');
    const yaml = `${example.slice(0, start)}${provider}${example.slice(end)}`;
    expect(
      makePlace(yaml)
        .mistakes()
        .map((line) => line.split(':', 4)[2]?.split(' ')[1]),
    ).toEqual(['omniauth.providers[0].app_id', 'omniauth.providers[0].app_secret']);
    const real = yaml.replace('the consumer key', 'key-1').replace('the consumer secret', 'secret-1');
    expect(makePlace(real).load().config.omniauth.providers).toMatchObject([
      { app_id: 'key-1', app_secret: 'secret-1' },
    ]);

    const all = real
      .replaceAll(/^( {6,})# (?=[a-z_]+:( |$))/gm, '$1')
      .replaceAll('the key of', 'x')
      .replaceAll(/x .*|the secret of .*/g, 'x');
    expect(makePlace(all).load().config.omniauth.providers).toMatchObject([
      {
        icon: 'data:image/svg+xml;base64,PHN2Zy8+',
        allowed_workspaces: ['my-workspace'],
        args: { scope: ['account', 'email'] },
      },
    ]);
  });

  test('names every setting that a file may set', () => {
    for (const { key, environmentOnly } of listSettings()) {
      const name = key.split('.').at(-1)?.replace('[]', '');
      if (!environmentOnly) expect(example).toMatch(new RegExp(`^[ #-]*${name}:`, 'm'));
    }
    expect(example).not.toContain('root_password');
  });

  test('its placeholder for secret_key is refused', () => {
    expect(makePlace(example.replace('# secret_key', 'secret_key')).mistakes()).toHaveLength(1);
  });
});

test('.env.example explains every variable and sets none', () => {
  const text = textOf('.env.example');
  expect(parse(text)).toEqual({});
  for (const { env, about } of listSettings()) if (env !== undefined) expect(text).toContain(`# ${about}\n# ${env}=\n`);
  expect(text).toContain('# GATEHOUSE_CONFIG=\n');
});

test("the README's table stands between its markers and the rest of the README stays", () => {
  const { cwd, write } = makePlace();
  write('README.md', '# Title\n\n<!-- settings:start -->\nold\n<!-- settings:end -->\n\nEnd.\n');
  const text = generateDocs(cwd).find(({ path }) => path === 'README.md')?.text ?? '';
  expect(text.startsWith('# Title\n\n<!-- settings:start -->\n')).toBe(true);
  expect(text.endsWith('\n<!-- settings:end -->\n\nEnd.\n')).toBe(true);
  expect(text).not.toContain('old');
  expect(text).toContain('| `listen.port` | `PORT` | `3000` | Port to listen on. |');
  write('README.md', text);
  expect(generateDocs(cwd).find(({ path }) => path === 'README.md')?.text).toBe(text);
});

test('a README without markers, or none, is left alone', () => {
  const { cwd, write } = makePlace();
  expect(generateDocs(cwd).map(({ path }) => path)).toEqual([
    'config/gatehouse.example.yml',
    '.env.example',
    'docs/errors.md',
  ]);
  write('README.md', '# Title\n');
  expect(generateDocs(cwd)).toHaveLength(3);
});
