// Where to go after sign-in: a path of ours, or nothing.

const OURS = 'http://ours.invalid';
const MAX_LENGTH = 2048;
/** RFC 3986 characters of a path, query and fragment. No space, quote, bracket, backslash, control or non-ASCII character. */
const URL_CHARACTERS = /^\/[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/;
/** Pages that sign in or out. Going back to one after signing in is a loop, or hands a code to the wrong request. */
const SIGN_IN_PAGES = /^\/users(\/|$)/i;

/**
 * @param raw the wish from a form or query, anything at all
 * @param base the path of external_url: '' or '/gate'
 * @returns the very string to put into Location, or undefined when the wish is not a page of ours
 *
 * The check is done on the string that is sent, not on a parsed copy: `new URL('/.//evil.test', base)` stays on our
 * origin, yet its pathname `//evil.test` leaves it. Whatever a parser would change is refused.
 */
export function checkReturnTo(raw: unknown, base: string): string | undefined {
  if (typeof raw !== 'string' || raw.length > MAX_LENGTH || !URL_CHARACTERS.test(raw)) return undefined;
  if (!URL.canParse(raw, OURS)) return undefined; // '//', '//:'
  const url = new URL(raw, OURS);
  if (url.origin !== OURS || url.pathname + url.search + url.hash !== raw) return undefined;
  const path = pathInside(base, decodeOnce(url.pathname));
  return path === undefined || SIGN_IN_PAGES.test(path) ? undefined : raw;
}

/** The path without our prefix, or undefined when it lies outside or could turn into another origin later on. */
function pathInside(base: string, path: string): string | undefined {
  // Something behind us may decode once more: what would become `//`, a backslash or a control character is refused.
  // eslint-disable-next-line no-control-regex
  if (/^$|\/\/|[\\\u0000-\u001f\u007f]/.test(path)) return undefined;
  return `${path}/`.startsWith(`${base}/`) ? path.slice(base.length) : undefined;
}

/** Empty when it cannot be decoded. */
function decodeOnce(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return '';
  }
}
