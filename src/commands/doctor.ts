// `gatehouse doctor`: what to enter at Bitbucket, then live checks, each with its next step.
import { existsSync } from 'node:fs';
import { findingOfChange } from '../admin/change-findings.ts';
import { checkConsumer, whatToEnter } from '../admin/consumer-checks.ts';
import type { Finding } from '../admin/findings.ts';
import { checkAddress, checkDisk, checkGit } from '../admin/server-checks.ts';
import { lookAtSetUp } from '../admin/set-up.ts';
import type { ProviderSetUp } from '../admin/set-up.ts';
import type { ChangeNotice } from '../bitbucket/change-notice.ts';
import type { Http } from '../bitbucket/http.ts';
import { createHttp } from '../bitbucket/http.ts';
import { parseDatabaseUrl } from '../config/database-url.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { OpenDatabase } from '../db/open.ts';
import { openDatabase } from '../db/open.ts';
import { timeOf } from '../web/time.ts';
import type { Command } from './command.ts';
import { loadConfiguration } from './command.ts';
import { nodeWarning } from './node-version.ts';

export const doctor: Command = async (context) => {
  const loaded = loadConfiguration(context);
  const { config } = loaded;
  context.out(toEnter(config));
  const heard: ChangeNotice[] = [];
  const http = createHttp({ onChangeNotice: (notice) => heard.push(notice) });
  const looked = await look(config, http);
  await http.close();
  const known = new Set(looked.map(({ words }) => words));
  const news = aboutHeard(heard).filter(({ words }) => !known.has(words));
  const findings = [aboutNode(process.version), ...aboutConfiguration(loaded), ...looked, ...news];
  for (const { state, about, words, next } of findings) {
    context.out(`${state.padEnd(8)} ${about}: ${words}`);
    if (next !== undefined && state !== 'ok') context.out(`         -> ${next}`);
  }
  return findings.some(({ state }) => state === 'failed') ? 1 : 0;
};

function toEnter(config: Config): string {
  const { name, callbackUrl, url, signIn, importing } = whatToEnter(config);
  const [first, ...others] = signIn;
  return `What to enter at Bitbucket
(your workspace's settings > Apps and features > OAuth consumers > Add consumer)

  Name          ${name}
  Callback URL  ${callbackUrl}
  URL           ${url}
  Private consumer: leave ticked
  Permissions   ${[first, ...others].join('\n                ')}
  For importing (best at a second consumer)
                ${importing.join('\n                ')}
`;
}

function aboutNode(version: string): Finding {
  const warning = nodeWarning(version);
  if (warning === undefined) return { state: 'ok', about: 'node', words: version };
  return { state: 'warning', about: 'node', words: warning, next: 'install Node 24 and start again' };
}

function aboutConfiguration({ file, warnings, config }: LoadedConfig): Finding[] {
  const providers = config.omniauth.providers.length;
  const findings: Finding[] = [
    { state: 'ok', about: 'configuration', words: file ?? 'no file; defaults and environment' },
    ...warnings.map((warning): Finding => ({ state: 'warning', about: 'configuration', words: warning })),
  ];
  if (providers > 0) return findings;
  const next =
    'set BITBUCKET_APP_KEY and BITBUCKET_APP_SECRET, or copy config/gatehouse.example.yml to config/gatehouse.yml';
  return [...findings, { state: 'warning', about: 'sign-in', words: 'no provider is set up', next }];
}

async function look(config: Config, http: Http): Promise<Finding[]> {
  const opened = open(config);
  if ('finding' in opened) {
    const providers = config.omniauth.providers.map((provider) => checkConsumer(provider, config, http));
    const address = checkAddress(config, Date.now());
    const found = await Promise.all([...providers, Promise.all([address, checkGit()])]);
    return [...found.flat(), opened.finding, checkDisk(config.data_dir)];
  }
  const { database } = opened;
  try {
    const { providers, server, changes } = await lookAtSetUp({ config, http, database, now: Date.now() });
    return [...providers.flatMap(aboutProvider), ...server, ...changes.map(findingOfChange)];
  } finally {
    await database.db.destroy();
  }
}

/** Looks without changing anything: a file that is not there yet is not made. */
function open(config: Config): { database: OpenDatabase } | { finding: Finding } {
  const about = 'database';
  const address = parseDatabaseUrl(config);
  if (address.kind === 'sqlite' && !existsSync(address.path)) {
    return { finding: { state: 'ok', about, words: `${address.path} will be made at the first start` } };
  }
  try {
    return { database: openDatabase(address) };
  } catch (error) {
    const words = (error as Error).message;
    return { finding: { state: 'failed', about, words, next: 'check database_url, data_dir and their permissions' } };
  }
}

/** What a test sign-in showed is over: it may be mended by now, so it is a hint and no failure. */
function aboutProvider({ name, findings, lastTest }: ProviderSetUp): Finding[] {
  const tested = lastTest?.findings.map((finding): Finding => ({
    ...finding,
    state: finding.state === 'failed' ? 'warning' : finding.state,
    about: `provider ${name}, test of ${timeOf(lastTest.at).text}, ${finding.about}`,
  }));
  return [...findings, ...(tested ?? [])];
}

/** Of these very checks; what the server has heard is in its database. */
function aboutHeard(heard: readonly ChangeNotice[]): Finding[] {
  const byName = new Map(heard.map((notice) => [`${notice.change} ${notice.endpoint}`, notice]));
  const now = Date.now();
  return [...byName.values()].map((notice) =>
    findingOfChange({ ...notice, key: '', firstSeenAt: now, seenAt: now, dismissed: false }),
  );
}
