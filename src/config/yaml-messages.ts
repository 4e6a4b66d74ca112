// Our own words for YAML's syntax errors: the parser's quote the file, and a quoted line may hold a secret.
import type { ErrorCode } from 'yaml';

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: 'expected a value, got a broken alias (a text that starts with * needs quotes)',
  BAD_DIRECTIVE: 'expected a setting, got a broken % directive',
  BAD_DQ_ESCAPE:
    'expected a valid escape, got a backslash with something else (single quotes keep backslashes as they are)',
  BAD_INDENT: 'expected the indentation of the lines above, got another one (is a quote, bracket or brace left open?)',
  BAD_SCALAR_START: 'expected a value, got one that starts with a reserved character (put it in quotes)',
  BLOCK_AS_IMPLICIT_KEY: 'expected one "key: value" on this line, got a second colon (put the value in quotes)',
  BLOCK_IN_FLOW: 'expected the end of the { } or [ ] that is open here, got an indented block',
  MISSING_CHAR: 'expected a missing character: a closing quote, bracket or brace, a comma, or the space after a colon',
  MULTILINE_IMPLICIT_KEY: 'expected "key: value", got a key that runs over several lines (is a colon missing?)',
  MULTIPLE_DOCS: 'expected one document, got a second one',
  NON_STRING_KEY: 'expected a plain word as key, got something else',
  TAB_AS_INDENT: 'expected spaces as indentation, got a tab',
};

/** The complaint for an error code; `line` is only looked at for a common cause, never quoted. */
export function syntaxMessage(code: ErrorCode, line: string): string {
  if (/[{[,].*\$\{/.test(line)) return "expected a value, got ${ inside { } or [ ] (put it in quotes: '${NAME}')";
  return MESSAGES[code] ?? 'expected valid YAML, got something else (check quotes, brackets and indentation)';
}
