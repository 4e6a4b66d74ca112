// Building blocks of the schema. The message of each is the phrase that follows "expected" in a complaint.
import { isIP } from 'node:net';
import { z } from 'zod';

/** What is known about one setting besides its type. */
export interface Setting {
  /** What it does, for the administrator. */
  about: string;
  /** The environment variable that sets it. */
  env?: string;
  /** Its value is never shown. */
  secret?: true;
  /** A change takes effect only after a restart. */
  restart?: true;
  /** It may come from the environment only, never from the file. */
  environmentOnly?: true;
  /** Told instead of a default when there is no fixed one. */
  defaultText?: string;
  /** What the example file shows when there is no fixed default. */
  example?: string;
}

/** Holds the Setting of each leaf of the schema. */
export const settings = z.registry<Setting>();

/** A mapping of settings; unknown keys are refused. */
export const section = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape, 'a mapping of settings');

/** true or false. */
export const flag = () => z.boolean('true or false');

/** A whole number within bounds, both included. */
export function wholeNumber(min: number, max: number) {
  const expected = `a whole number from ${min} to ${max}`;
  return z.int(expected).min(min, expected).max(max, expected);
}

/** A text that passes a test. */
export function text(expected: string, accepts: (value: string) => boolean = (value) => value.trim() !== '') {
  return z.string(expected).refine(accepts, expected);
}

/** One of a few words. */
export function choice<const Words extends readonly [string, ...string[]]>(words: Words) {
  return z.enum(words, `one of ${words.join(', ')}`);
}

/** true, false, or the names of the providers it is true for. */
export function flagOrNames() {
  const expected = 'true, false or a list of provider names';
  return z.union([z.boolean(), z.array(z.string('a provider name'))], expected);
}

/** Whether a setting of that kind is on for a provider. */
export function isOnFor(setting: boolean | readonly string[], provider: string): boolean {
  return typeof setting === 'boolean' ? setting : setting.includes(provider);
}

/** A list of IP addresses or ranges in CIDR notation. */
export function networks() {
  return z.array(text('an IP address or a range such as 10.0.0.0/8', isNetwork), 'a list of IP addresses or ranges');
}

function isNetwork(value: string): boolean {
  const [, address = '', bits = '0'] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}

/** A base URL: https, or http on this machine; no user, query or fragment. */
export function baseUrl(what: string, isFit: (url: string) => boolean = () => true) {
  const expected = `${what}: https://… (http:// only on localhost), without user, query or fragment`;
  return text(expected, (value) => {
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || !/^https?:\/\/[^\s/\\?#@]+(\/[\w.~/-]*)?$/i.test(value)) return false;
    return isFit(value) && (url.protocol === 'https:' || isLoopback(url.hostname));
  });
}

/** Whether a host name (as URL.hostname writes it) means this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** A host name or address to listen on. */
export function host() {
  return text(
    'an IP address or host name',
    (value) => isIP(value) !== 0 || /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(value),
  );
}

/** Texts that examples put where a real key or secret belongs, compared without case and punctuation. */
const PLACEHOLDERS = new Set([
  'bitbucketappkey',
  'bitbucketappsecret',
  'theconsumerkey',
  'theconsumersecret',
  'consumerkey',
  'consumersecret',
  'yourappid',
  'yourappsecret',
  'yourkey',
  'yoursecret',
  'appid',
  'appsecret',
  'changeme',
]);

/** The key or secret of an OAuth consumer; placeholders of examples are refused. */
export function consumerText(what: 'key' | 'secret') {
  const expected = `the ${what} of your OAuth consumer (at Bitbucket: workspace settings → Apps and features → OAuth consumers)`;
  return z.string(expected).superRefine((value, context) => {
    const got = consumerMistake(value);
    if (got !== undefined) context.addIssue({ code: 'custom', message: expected, params: { got } });
  });
}

function consumerMistake(value: string): string | undefined {
  const bare = value.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (PLACEHOLDERS.has(bare) || /^<.*>$/.test(value.trim())) return 'the placeholder of an example';
  if (/[\s\p{Cc}]/u.test(value)) return 'a text with a space or line break in it';
  return bare === '' ? 'an empty text' : undefined;
}
