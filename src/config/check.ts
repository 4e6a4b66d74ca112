// Checks what file and environment say together, and reports every mistake with its place.
import { complete } from './complete.ts';
import { crossFindings } from './cross-rules.ts';
import { schemaFindings } from './findings.ts';
import { iconFindings } from './icons.ts';
import {
  ConfigError,
  describe,
  dotted,
  sentence,
  shownKey,
  type ConfigProblem,
  type Finding,
  type Path,
} from './problems.ts';
import { schema, type Config } from './schema.ts';
import { isSecret, needsQuotes, valueOf } from './settings.ts';
import { configWarnings } from './warnings.ts';
import type { Tree } from './yaml-tree.ts';

/** The finished configuration; throws ConfigError with the mistakes of the tree, of the environment and of the values. */
export function checkedConfig(tree: Tree, environmentProblems: ConfigProblem[], cwd: string): Config {
  const problems = [...tree.problems, ...environmentProblems];
  const known = new Set(problems.map(({ key }) => key));
  const parsed = schema.safeParse(tree.value);
  if (tree.readable) {
    const own = parsed.success ? iconFindings(parsed.data.omniauth.providers, cwd) : schemaFindings(parsed.error);
    const findings = [...own, ...crossFindings(tree.value)];
    for (const finding of onePerValue(findings)) {
      const value = valueOf(tree.value, finding.path);
      const isAbsent = value === undefined || value === null;
      // What is absent because its text could not be used has been complained about already.
      if (!isAbsent || !known.has(shownKey(finding.path))) problems.push(placed(finding, value, tree.places));
    }
  }
  if (problems.length === 0 && parsed.success) return complete(parsed.data, cwd);
  // Where each value by itself is good, what it opens can be told; what could not be read is not known.
  const unread = tree.problems.length + environmentProblems.length;
  throw new ConfigError(inOrder(problems), unread === 0 ? warningsOf(parsed, cwd) : []);
}

function warningsOf(parsed: ReturnType<typeof schema.safeParse>, cwd: string): string[] {
  return parsed.success ? configWarnings(complete(parsed.data, cwd)) : [];
}

/** The first thing wrong with a value is enough. */
function onePerValue(findings: Finding[]): Finding[] {
  return [...new Map(findings.toReversed().map((finding) => [dotted(finding.path), finding])).values()].reverse();
}

function placed(finding: Finding, value: unknown, places: ReadonlyMap<string, string>): ConfigProblem {
  const { path, expected, got, meant, cause = path } = withoutStrayWord(finding, value);
  const hint = needsQuotes(value, path) ? ' without quotes' : '';
  const message = sentence(expected, got ?? describe(value, isSecret(path)) + hint, meant);
  return { where: placeOf(cause, places), key: shownKey(path), message };
}

/** In `{ app_secret: abc,def }` YAML sees a key `def` without a value: part of a secret, which is not shown. */
function withoutStrayWord(finding: Finding, value: unknown): Finding {
  if (finding.got !== 'an unknown key' || value !== null) return finding;
  const { path, expected } = finding;
  const got = 'a word without a value (a value that holds a comma or a space needs quotes)';
  return { path: path.slice(0, -1), cause: path, expected, got };
}

/** The place of a value, or of the nearest thing around it that is written somewhere. */
function placeOf(path: Path, places: ReadonlyMap<string, string>): string {
  return places.get(dotted(path)) ?? placeOf(path.slice(0, -1), places);
}

/** By line and column, .env and the environment last; a mistake met twice is told once. */
function inOrder(problems: ConfigProblem[]): ConfigProblem[] {
  const position = ({ where }: ConfigProblem) => {
    const [, line, column] = /:(\d+):(\d+)$/.exec(where) ?? [];
    if (line === undefined) return Infinity;
    return (where.startsWith('.env:') ? 1e12 : 0) + Number(line) * 1e6 + Number(column);
  };
  const unique = new Map(problems.map((problem) => [`${problem.where}\0${problem.key}\0${problem.message}`, problem]));
  return [...unique.values()].sort((a, b) => (position(a) === position(b) ? 0 : position(a) - position(b)));
}
