// Lays the environment over what the file says: later wins.
import type { Environment, Found } from './environment.ts';
import { dotted, sentence, type Path } from './problems.ts';
import { listSettings, valueFromText } from './settings.ts';
import type { Tree } from './yaml-tree.ts';

/** Sets values from the environment in the tree; gives the variable each came from, by dotted key. */
export function layEnvironmentOver(tree: Tree, environment: Environment): Map<string, string> {
  const sources = new Map<string, string>();
  refuseInFile(tree);
  for (const { key, path, env, secret } of listSettings()) {
    const found = env === undefined || key.includes('[]') ? undefined : environment.find(env, key, secret === true);
    if (found === undefined) continue;
    if (!set(tree.value, path, valueFromText(path, found.value))) continue;
    replacePlace(tree, key, found.where);
    sources.set(key, found.name);
  }
  layProviderOver(tree, environment, sources);
  return sources;
}

/** Takes settings out of the file's values that only the environment may set. */
function refuseInFile(tree: Tree): void {
  for (const { key, env, environmentOnly } of listSettings()) {
    if (!environmentOnly || !Object.hasOwn(tree.value, key)) continue;
    delete tree.value[key];
    const message = sentence(`the environment variable ${env} instead`, 'a key of the file');
    tree.problems.push({ where: tree.places.get(key) ?? '', key, message });
  }
}

/** The value at a key now comes from elsewhere, with everything in it. */
function replacePlace({ places }: Tree, key: string, where: string): void {
  for (const other of places.keys()) if (other.startsWith(`${key}[`)) places.delete(other);
  places.set(key, where);
}

/** Sets a value, making sections on the way; false when something that is no section stands there. */
function set(into: Record<string, unknown>, [step = '', ...below]: string[], value: unknown): boolean {
  if (below.length === 0) {
    into[step] = value;
    return true;
  }
  const next = (into[step] ??= {});
  return isMapping(next) && set(next, below, value);
}

/** The fields of a provider that the environment sets, and their variables; they mean the provider named `bitbucket`. */
function providerVariables(): [field: string, variable: string][] {
  const prefix = 'omniauth.providers[].';
  return listSettings().flatMap(({ key, env }): [string, string][] =>
    env !== undefined && key.startsWith(prefix) ? [[key.slice(prefix.length), env]] : [],
  );
}

function layProviderOver(tree: Tree, environment: Environment, sources: Map<string, string>): void {
  const omniauth = (tree.value['omniauth'] ?? {}) as { providers?: unknown };
  const providers = isMapping(omniauth) ? (omniauth.providers ?? []) : undefined;
  if (!Array.isArray(providers)) return;
  const known = providers.findIndex((provider) => isMapping(provider) && provider['name'] === 'bitbucket');
  const at = known === -1 ? providers.length : known;
  const provider = (providers[at] ?? { name: 'bitbucket' }) as Record<string, unknown>;
  const path = ['omniauth', 'providers', at];
  const found: Found[] = [];
  for (const [field, name] of providerVariables()) {
    const key = dotted([...path, field]);
    const one = environment.find(name, key, true);
    if (one === undefined) continue;
    found.push(one);
    provider[field] = one.value;
    replacePlace(tree, key, one.where);
    sources.set(key, one.name);
  }
  if (found.length === 0) return;
  providers[at] = provider;
  tree.value['omniauth'] = { ...omniauth, providers };
  complainAboutHalf(tree, provider, path, found[0]);
}

/** Key without secret, or the reverse: names the variable that is missing. */
function complainAboutHalf(tree: Tree, provider: Record<string, unknown>, path: Path, found: Found | undefined): void {
  for (const [field, name] of providerVariables()) {
    const key = dotted([...path, field]);
    if (found === undefined || provider[field] !== undefined || tree.problems.some((problem) => problem.key === key))
      continue;
    tree.problems.push({
      where: found.where,
      key,
      message: sentence(`${name} as well, because ${found.name} is set`, 'nothing'),
    });
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
