// Replaces ${NAME} and ${NAME:-default} inside the values of the configuration file; $${ stays a literal ${.
import type { Environment } from './environment.ts';
import { sentence, shownKey, type Path } from './problems.ts';
import { isSecret, valueFromText } from './settings.ts';

const REFERENCE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/** A value after replacing, or what is wrong with the reference. */
export type Expanded = { value: unknown } | { message: string };

/**
 * Expands the text at a path; undefined when it refers to nothing. As text from the environment it becomes what the setting
 * takes, so that `port: ${PORT}` is a number and an app_secret of digits stays a text.
 */
export function expandReferences(text: string, path: Path, environment: Environment): Expanded | undefined {
  if (!text.includes('${')) return undefined;
  const secret = isSecret(path);
  let message: string | undefined;
  const replaced = text.replace(REFERENCE, (all, name: string | undefined, fallback: string | undefined) => {
    if (all === '$${') return '${';
    if (name === undefined) {
      message ??= sentence('${NAME} or ${NAME:-default}', 'something else after ${ (for a literal ${ write $${)');
      return '';
    }
    const value = environment.find(name, shownKey(path), secret)?.value ?? fallback;
    if (value === undefined) message ??= unset(name, secret);
    return value ?? '';
  });
  return message === undefined ? { value: valueFromText(path, replaced) } : { message };
}

/** In a secret, what looks like a variable may be a piece of the secret: only a name in capitals is shown. */
function unset(name: string, secret: boolean): string {
  const shown =
    !secret || /^[A-Z_][A-Z0-9_]*$/.test(name) ? `the environment variable ${name}` : 'an environment variable';
  return sentence(`${shown} to be set`, 'nothing (for a literal ${ write $${)');
}
