// Is the set-up right? Three questions to Bitbucket that need nobody to sign in, for an administrator's diagnosis.
import { endpointsOf, type BaseUrls } from './endpoints.ts';
import { BitbucketFailure } from './failure.ts';
import { headerOf, jsonOf } from './http-body.ts';
import type { Http, HttpReply } from './http.ts';
import { TokenClient } from './token.ts';

/** `unknown`: Bitbucket's answer proves neither. The words say what was seen, in a sentence for an administrator. */
export interface CheckResult {
  ok: boolean | 'unknown';
  words: string;
  /** What to look at when it is not ok: the addresses, key and secret, or the callback registered at the consumer. */
  mend?: 'address' | 'credentials' | 'callback';
}

/** An OAuth consumer as the host has it configured. */
export interface ConsumerSettings extends BaseUrls {
  clientID: string;
  clientSecret: string;
  callbackURL: string;
  /** Default `account` and `email`. */
  scope?: string[] | undefined;
}

/** Does API 2.0 answer? Without a token it says 401, in JSON, which is as good as any other answer of its own. */
export async function checkReachable(urls: BaseUrls, http: Http): Promise<CheckResult> {
  const { api } = endpointsOf(urls);
  return orUnreachable(false, async () => {
    const reply = await http.send({ endpoint: 'user', url: `${api}/user` });
    if (reply.status >= 500 || reply.status === 404) {
      return { ok: false, words: `${api}/user answers with status ${reply.status}`, mend: 'address' };
    }
    if (jsonOf(reply) !== undefined) return { ok: true, words: `${api} answers` };
    return {
      ok: 'unknown',
      words: `${api} answers with status ${reply.status}, but not in JSON as Bitbucket's API does`,
      mend: 'address',
    };
  });
}

/**
 * Are key and secret right? Tries a code that cannot be good: Bitbucket looks at the credentials first, so a complaint
 * about the code means that they are.
 */
export async function checkCredentials(consumer: ConsumerSettings, http: Http): Promise<CheckResult> {
  const tokens = new TokenClient({ ...consumer, http });
  try {
    await tokens.exchange({ code: 'no-such-code', redirectUri: consumer.callbackURL });
  } catch (error) {
    if (!(error instanceof BitbucketFailure)) throw error;
    if (error.reason === 'code_refused') return { ok: true, words: 'Bitbucket accepts key and secret' };
    if (error.reason === 'misconfigured')
      return { ok: false, words: error.detail, mend: /callback/i.test(error.detail) ? 'callback' : 'credentials' };
    // No answer at all: nobody can sign in. An answer that proves nothing is no reason to say so.
    return { ok: error.remoteStatus === undefined ? false : 'unknown', words: error.detail, mend: 'address' };
  }
  return { ok: 'unknown', words: 'the token endpoint accepted a code that does not exist' };
}

/**
 * Is the callback registered at the consumer? Asks for the authorization page twice: with the callback, and with one
 * that cannot be registered. Only if Bitbucket refuses the second does its acceptance of the first mean anything: it may
 * well send everybody to sign in before it looks.
 * @see https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/
 */
export async function checkCallback(consumer: ConsumerSettings, http: Http): Promise<CheckResult> {
  return orUnreachable('unknown', async () => {
    const ours = judge(await http.send(authorizeRequest(consumer, consumer.callbackURL)), consumer.callbackURL);
    if (ours.verdict === 'sent back') return { ok: true, words: 'Bitbucket sends people back to this callback' };
    if (ours.verdict === 'refused') return { ok: false, words: ours.words, mend: ours.mend ?? 'callback' };
    if (ours.verdict === 'unclear') return { ok: 'unknown', words: ours.words };
    const other = judge(await http.send(authorizeRequest(consumer, 'https://callback.invalid/')), consumer.callbackURL);
    if (other.verdict === 'refused') return { ok: true, words: 'Bitbucket accepts this callback, and refuses others' };
    return { ok: 'unknown', words: 'Bitbucket does not say before somebody has signed in there' };
  });
}

function authorizeRequest(consumer: ConsumerSettings, callback: string) {
  const url = new URL(endpointsOf(consumer).authorize);
  const scope = (consumer.scope ?? ['account', 'email']).join(' ');
  const query = { response_type: 'code', client_id: consumer.clientID, redirect_uri: callback, scope, state: 'check' };
  url.search = new URLSearchParams(query).toString();
  return { endpoint: 'authorize', url: url.href, headers: { accept: 'text/html' } } as const;
}

interface Judgement {
  verdict: 'sent back' | 'accepted' | 'refused' | 'unclear';
  words: string;
  mend?: 'credentials' | 'callback';
}

/** How the page that refuses is known. Its status is not documented, so it may even be 200. */
const refusals: [sign: RegExp, words: string, mend: 'credentials' | 'callback'][] = [
  [
    /Invalid redirect_uri/i,
    'Bitbucket refuses the callback: it does not begin with the one at the OAuth consumer',
    'callback',
  ],
  [/No callback ur[il]/i, 'the OAuth consumer has no callback URL', 'callback'],
  [/Invalid client_id/i, 'Bitbucket does not know this key', 'credentials'],
];

function judge(reply: HttpReply, callback: string): Judgement {
  const { status, text } = reply;
  const location = headerOf(reply, 'location');
  if (status >= 300 && status < 400 && location !== undefined) {
    return { verdict: location.startsWith(callback) ? 'sent back' : 'accepted', words: 'redirected' };
  }
  const refusal = refusals.find(([sign]) => sign.test(text));
  if (refusal) return { verdict: 'refused', words: refusal[1], mend: refusal[2] };
  if (status === 400 || status === 401 || status === 404) {
    return { verdict: 'refused', words: `Bitbucket refuses key or callback (status ${status})` };
  }
  return { verdict: status === 200 ? 'accepted' : 'unclear', words: `the authorization page has status ${status}` };
}

async function orUnreachable(ok: CheckResult['ok'], check: () => Promise<CheckResult>): Promise<CheckResult> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof BitbucketFailure) return { ok, words: error.detail, mend: 'address' };
    throw error;
  }
}
