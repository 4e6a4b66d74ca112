// One-time sign-in links: `gatehouse admin` run beside a server of the tests, and what it prints put to use.
import { join } from 'node:path';
import { admin } from '../../src/commands/admin.ts';
import type { CommandContext } from '../../src/commands/command.ts';
import { onPostgres, postgresUrl } from './database.ts';
import { keepSecret } from './leaks.ts';
import type { Answer, Browser } from './people.ts';
import { csrfOf } from './people.ts';
import type { TestApp } from './start-app.ts';

export const LINK_PAGE = '/users/one_time_sign_in';

/** Runs `gatehouse admin …`. @returns what it prints */
export async function runAdmin(
  app: Pick<TestApp, 'dataDir'>,
  args: string[],
  options?: CommandContext['options'],
): Promise<string> {
  const lines: string[] = [];
  const env = onPostgres
    ? { DATABASE_URL: postgresUrl(app.dataDir), GATEHOUSE_SECRET_KEY: 'the-same-key-for-every-test-server' }
    : {};
  const configFile = join(app.dataDir, 'gatehouse.yml');
  await admin({
    ...{ args, env, configFile, cwd: app.dataDir, out: (line: string) => lines.push(line) },
    ...(options ? { options } : {}),
  });
  return lines.join('\n');
}

/** The token in what a command has printed. From now on it must be nowhere else. */
export function tokenIn(printed: string, { url }: Pick<TestApp, 'url'>): string {
  const [, address, token = ''] = /(http\S+)#(\S+)/.exec(printed) ?? [];
  expect(address).toBe(url + LINK_PAGE);
  expect(token).toMatch(/^[\w-]{43}$/);
  keepSecret('token of a one-time link', token, 'output of a process');
  return token;
}

export async function makeLink(app: TestApp, name = 'root'): Promise<string> {
  return tokenIn(await runAdmin(app, ['link', name]), app);
}

/** Opens the page of such a link and clicks. */
export async function give(browser: Browser, token: string): Promise<Answer> {
  const _csrf = csrfOf(await browser.get(LINK_PAGE).expect(200));
  return browser.post(LINK_PAGE).type('form').send({ _csrf, token });
}
