// The OAuth consumer at Bitbucket: what to enter there, and whether Bitbucket agrees with what is configured here.
import { checkCallback, checkCredentials, checkReachable } from '../bitbucket/checks.ts';
import type { CheckResult, ConsumerSettings } from '../bitbucket/checks.ts';
import type { Http } from '../bitbucket/http.ts';
import type { Config, ProviderConfig } from '../config/schema.ts';
import { siteOf } from '../web/site.ts';
import type { Finding } from './findings.ts';

const MAX_CLOCK_SKEW_SECONDS = 60;

export interface ToEnter {
  name: string;
  callbackUrl: string;
  url: string;
  /** As Bitbucket's page calls them. */
  signIn: string[];
  importing: string[];
}

/** Issues and wikis ended at Bitbucket in August 2026, and their permissions with them: GitLab's list still names them. */
export function whatToEnter(config: Config): ToEnter {
  return {
    name: 'Gatehouse',
    callbackUrl: siteOf(config).callbackUrl,
    url: config.external_url,
    signIn: ['Account: Email', 'Account: Read'],
    importing: ['Repositories: Read', 'Pull requests: Read', 'Projects: Read'],
  };
}

/** Asks Bitbucket; nobody has to sign in for it. */
export async function checkConsumer(provider: ProviderConfig, config: Config, http: Http): Promise<Finding[]> {
  const urls = { url: provider.url, apiUrl: provider.api_url };
  const consumer = {
    ...urls,
    clientID: provider.app_id,
    clientSecret: provider.app_secret,
    callbackURL: siteOf(config).callbackUrl,
    scope: provider.args.scope,
  };
  const [reachable, credentials, callback, clock, importing] = await Promise.all([
    checkReachable(urls, http),
    checkCredentials(consumer, http),
    checkCallback(consumer, http),
    checkClock(provider, http),
    checkImportConsumer(provider, consumer, http),
  ]);
  const about = `provider ${provider.name}`;
  return [
    finding(`${about}, reachable`, reachable, consumer.callbackURL),
    finding(`${about}, key and secret`, credentials, consumer.callbackURL),
    finding(`${about}, callback`, callback, consumer.callbackURL),
    ...importing,
    ...clock,
  ];
}

async function checkImportConsumer(
  provider: ProviderConfig,
  consumer: ConsumerSettings,
  http: Http,
): Promise<Finding[]> {
  if (!provider.import) return [];
  const { app_id: clientID, app_secret: clientSecret } = provider.import;
  const result = await checkCredentials({ ...consumer, clientID, clientSecret }, http);
  return [finding(`provider ${provider.name}, key and secret for importing`, result, consumer.callbackURL)];
}

function finding(about: string, { ok, words, mend }: CheckResult, callbackUrl: string): Finding {
  const steps = {
    address: 'check url and api_url, DNS and firewall',
    credentials: 'copy key and secret again from the OAuth consumer at Bitbucket',
    callback: `set the consumer's callback URL to ${callbackUrl}`,
  };
  const state = ok === 'unknown' ? 'unknown' : ok ? 'ok' : 'failed';
  return { state, about, words, ...(mend ? { next: steps[mend] } : {}) };
}

/** Our clock against the Date header of Bitbucket's answer. */
async function checkClock({ api_url }: ProviderConfig, http: Http): Promise<Finding[]> {
  const reply = await http.send({ endpoint: 'user', url: `${api_url}/user` }).catch(() => undefined);
  const theirs = Date.parse(String(reply?.headers['date']));
  if (Number.isNaN(theirs)) return [];
  const skew = Math.round(Math.abs(Date.now() - theirs) / 1000);
  const state = skew > MAX_CLOCK_SKEW_SECONDS ? 'warning' : 'ok';
  return [{ state, about: 'clock', words: `${skew} s from Bitbucket's`, next: 'let the machine set its clock by NTP' }];
}
