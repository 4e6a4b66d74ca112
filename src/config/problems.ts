// What is wrong with a configuration, in words for an administrator. A message never holds a secret: values of secret
// settings are described ("a text of 3 characters"), not quoted.

/** One mistake: the place (`config/gatehouse.yml:12:5`, `environment variable PORT`), the dotted key, and what was expected. */
export interface ConfigProblem {
  where: string;
  key: string;
  message: string;
}

/** Steps from the root of the configuration to a value: `['omniauth', 'providers', 0, 'url']`. */
export type Path = readonly (string | number)[];

/** A mistake whose place in the file or environment is not looked up yet. `got` is described from the value when absent. */
export interface Finding {
  path: Path;
  expected: string;
  got?: string;
  meant?: string;
  /** Where the cause stands, when it is not at `path`. */
  cause?: Path;
}

/** Thrown by loadConfig with every mistake at once; one line each as text. */
export class ConfigError extends Error {
  readonly problems: ConfigProblem[];
  /** What would have been warned about without the mistakes, as far as it can be known. */
  warnings: string[];

  constructor(problems: ConfigProblem[], warnings: string[] = []) {
    super(problems.map(problemLine).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
    this.warnings = warnings;
  }

  override toString(): string {
    return this.message;
  }
}

function problemLine({ where, key, message }: ConfigProblem): string {
  return key === '' ? `${where}: ${message}` : `${where} ${key}: ${message}`;
}

/** Writes a path as people do: `omniauth.providers[0].url`. */
export function dotted(path: Path): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');
}

/** The steps of what `dotted` has written. */
export function stepsOf(key: string): Path {
  return [...key.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([word, index]) => (index === undefined ? word : Number(index)));
}

/**
 * A path for people to read. A key that is no word may be a value that slipped (`app_secret:VALUE` without a space): only its
 * beginning is shown.
 */
export function shownKey(path: Path): string {
  const isWord = (step: string | number) => typeof step === 'number' || /^([\w.-]{1,64}|<<)$/.test(step);
  return dotted(path.map((step) => (isWord(step) ? step : `${/^[\w.-]{0,40}/.exec(String(step))?.[0]}…`)));
}

/** The sentence of a mistake. */
export function sentence(expected: string, got: string, meant?: string): string {
  return `expected ${expected}, got ${got}` + (meant === undefined ? '' : ` (did you mean ${meant}?)`);
}

/** Says what a value is; quotes short texts unless they are secret. */
export function describe(value: unknown, secret: boolean): string {
  if (typeof value === 'string') return secret ? `a text of ${value.length} characters` : quote(value);
  if (typeof value === 'number' || typeof value === 'boolean') {
    return secret ? `a ${typeof value}` : String(value);
  }
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' && value !== null ? 'a mapping' : 'nothing';
}

/** A text in quotes, shortened; control characters are escaped and what stands before an @ is hidden: it may be a password. */
function quote(text: string): string {
  const shown = text.replace(/^([a-z]+:\/*)?.*@/is, '$1…@');
  return JSON.stringify(shown.length > 60 ? `${shown.slice(0, 60)}…` : shown);
}
