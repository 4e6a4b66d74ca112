// What a test needs of the machine besides Node. Where it is missing the tests are left out, and a line says so.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Why it is missing, or undefined when it is there. */
export type Need = string | undefined;

/** /usr/sbin, where nginx is, does not stand in everybody's PATH. */
const PLACES = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** @returns the path of a command, or its bare name where there is none */
export function pathOfCommand(name: string): string {
  const folder = PLACES.find((place) => place !== '' && existsSync(join(place, name)));
  return folder === undefined ? name : join(folder, name);
}

export function command(name: string): Need {
  return pathOfCommand(name) === name ? `no ${name} on this machine` : undefined;
}

export const postgres: Need = process.env['TEST_POSTGRES_URL'] ? undefined : 'TEST_POSTGRES_URL is not set';

/** Whole 127.0.0.0/8 belongs to this machine, so that one test can come from several addresses. */
export const linux: Need = process.platform === 'linux' ? undefined : 'needs Linux';

export const root: Need = process.getuid?.() === 0 ? undefined : 'needs root';

/** `describe` where everything is there. @throws with GATEHOUSE_TEST_ALL=1, which allows nothing to be left out */
export function describeWith(needs: Need[], title: string, tests: () => void): void {
  const missing = needs.filter((need) => need !== undefined);
  if (missing.length === 0) return describe(title, tests);
  const line = `Left out: ${title} (${missing.join(', ')})`;
  if (process.env['GATEHOUSE_TEST_ALL'] === '1')
    throw new Error(`GATEHOUSE_TEST_ALL: nothing may be left out. ${line}`);
  process.stdout.write(`${line}\n`);
  describe(title, () => test.skip(`left out: ${missing.join(', ')}`, () => undefined));
}
