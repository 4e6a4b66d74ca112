// Writes config/gatehouse.example.yml: every setting with its meaning. What has a default stands there as it is by default,
// the rest is commented out, so that a copy of the file loads unchanged.
import { listSettings, type Leaf } from './settings.ts';

const HEAD = `# Every setting of Gatehouse. Copy this file to config/gatehouse.yml and change what you need; whatever you leave out
# keeps its default. \`npx gatehouse check-config\` tells every mistake.
#
# In any value, \${NAME} and \${NAME:-default} are replaced from the environment (inside { } or [ ] put them in quotes);
# $\${ is a literal \${. An empty value counts as not set. Relative paths start at the working directory.
# Keep secrets out of reach of other users of the machine: chmod 600 config/gatehouse.yml
`;

const LIST = 'omniauth.providers';

/** The text of the example file. */
export function exampleFile(): string {
  const shown = listSettings().filter(({ environmentOnly }) => !environmentOnly);
  const lines: string[] = [];
  let open: string[] = [];
  for (const leaf of shown) {
    const steps = leaf.key.replace('[]', '').split('.');
    const sections = steps.slice(0, -1);
    lines.push(...headersOf(sections, open, leaf), ...settingLines(leaf, steps));
    open = leaf.key === LIST ? steps : sections;
  }
  return `${HEAD}${lines.join('\n')}\n`;
}

/** The lines that open sections which are not open yet; below the first level only a provider has any. */
function headersOf(sections: string[], open: string[], leaf: Leaf): string[] {
  const shared = sections.findIndex((name, at) => open[at] !== name);
  if (shared === -1) return sections.length === 0 ? [''] : [];
  return sections.slice(shared).flatMap((name, at) => {
    const depth = shared + at;
    return depth === 0 ? ['', `${name}:`] : [indented(leaf, depth, `# ${name}:`)];
  });
}

function settingLines(leaf: Leaf, steps: string[]): string[] {
  const depth = steps.length - 1;
  const name = steps.at(-1) ?? '';
  if (leaf.key === LIST) return [`  # ${leaf.about}`, '  # providers:'];
  const comments = [leaf.about, ...noteOf(leaf)].map((line) => indented(leaf, depth, `# ${line}`));
  const isFirst = leaf.key === `${LIST}[].name`;
  const value = `${name}: ${exampleOf(leaf)}`;
  return [...comments, indented(leaf, depth, isFirst ? value : `${isLive(leaf) ? '' : '# '}${value}`, isFirst)];
}

/** Settings of a provider stand one level deeper, behind the comment sign of the list and its dash. */
function indented(leaf: Leaf, depth: number, line: string, isFirst = false): string {
  if (!leaf.key.startsWith(`${LIST}[]`)) return `${'  '.repeat(depth)}${line}`;
  const inProvider = '  '.repeat(depth - 2);
  return `  #   ${isFirst ? '- ' : '  '}${inProvider}${line}`;
}

/** In a provider: what a first set-up needs. Elsewhere: what has a default. */
function isLive({ key, fallback, env }: Leaf): boolean {
  return key.startsWith(`${LIST}[]`) ? env !== undefined || key === `${LIST}[].url` : fallback !== undefined;
}

function exampleOf({ fallback, example }: Leaf): string {
  if (fallback === undefined) return example ?? '';
  const quoted = (item: string) => (/^[\w./-]+$/.test(item) ? item : `'${item}'`);
  if (Array.isArray(fallback)) return `[${fallback.map(String).map(quoted).join(', ')}]`;
  return typeof fallback === 'string' ? fallback : JSON.stringify(fallback);
}

function noteOf({ env, defaultText, restart, key }: Leaf): string[] {
  const notes = [
    defaultText === undefined ? '' : `Default: ${defaultText}.`,
    env === undefined ? '' : `Environment: ${env}${key.includes('[]') ? ' (for the provider named bitbucket)' : ''}.`,
    restart ? 'A change needs a restart.' : '',
  ];
  const line = notes.filter(Boolean).join(' ');
  return line === '' ? [] : [line];
}
