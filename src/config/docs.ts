// Generates what is told about settings and errors: the example file, .env.example, the README's table, docs/errors.md.
// `npm run docs` writes them; a test fails when they are stale.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorsPage } from '../errors-page.ts';
import { exampleFile } from './example-file.ts';
import { listSettings, type Leaf } from './settings.ts';

const START = '<!-- settings:start -->';
const END = '<!-- settings:end -->';

/** The generated files below the root of the project; README.md only where it exists and has the markers. */
export function generateDocs(root = '.'): { path: string; text: string }[] {
  const docs = [
    { path: 'config/gatehouse.example.yml', text: exampleFile() },
    { path: '.env.example', text: environmentFile() },
    { path: 'docs/errors.md', text: errorsPage() },
  ];
  const path = 'README.md';
  const readme = existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '';
  const [before, after] = [readme.indexOf(START), readme.indexOf(END)];
  if (before === -1 || after < before) return docs;
  const text = `${readme.slice(0, before + START.length)}\n\n${settingsTable()}\n${readme.slice(after)}`;
  return [...docs, { path, text }];
}

/** Every variable with one line on what it is, all commented out. */
function environmentFile(): string {
  const variables = [
    ['GATEHOUSE_CONFIG', 'Path of the configuration file; config/gatehouse.yml, where it is there, when unset.'],
    ...listSettings().flatMap(({ env, about }) => (env === undefined ? [] : [[env, about]])),
  ];
  const head = `# Copy this file to .env and set what you need. The real environment wins over .env, and both win over
# config/gatehouse.yml. Lists are comma separated, an empty value counts as not set, and NAME_FILE instead of NAME
# gives the path of a file that holds the value. Keep it to yourself: chmod 600 .env
`;
  return [head, ...variables.map(([name, about]) => `# ${about}\n# ${name}=\n`)].join('\n');
}

/** A Markdown table of all settings. */
function settingsTable(): string {
  const rows = listSettings()
    .filter(({ key }) => key !== 'omniauth.providers')
    .map((leaf) => [
      leaf.environmentOnly ? 'none (environment only)' : code(leaf.key),
      leaf.env === undefined ? '' : code(leaf.env),
      defaultOf(leaf),
      leaf.about,
    ]);
  const lines = [['Setting', 'Environment', 'Default', 'What it does'], ['---', '---', '---', '---'], ...rows];
  return `<!-- prettier-ignore -->\n${lines.map((cells) => `| ${cells.map(escaped).join(' | ')} |`).join('\n')}\n`;
}

function defaultOf({ fallback, defaultText }: Leaf): string {
  if (fallback !== undefined) return code(typeof fallback === 'string' ? fallback : JSON.stringify(fallback));
  return defaultText ?? '';
}

function code(text: string): string {
  return `\`${text}\``;
}

/** Bars end a cell and angle brackets are HTML, unless in code. */
function escaped(text: string): string {
  const safe = text.replaceAll('|', '\\|');
  return safe.startsWith('`') ? safe : safe.replaceAll('<', '&lt;');
}

/** As a program: writes the files below the working directory. */
if (/[\\/]config[\\/]docs\.js$/.test(process.argv[1] ?? '')) {
  for (const { path, text } of generateDocs()) writeFileSync(path, text);
}
