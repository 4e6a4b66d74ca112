// Bitbucket's addresses, worked out from the two base URLs that an administrator may set.

/** Where Bitbucket Cloud, or a stand-in for it, answers. None of them ends with a slash. */
export interface Endpoints {
  /** Origin of the web site, compared with the `iss` of a callback. */
  issuer: string;
  authorize: string;
  token: string;
  /** Base of API 2.0. */
  api: string;
}

/** Base URLs; by default those of bitbucket.org. */
export interface BaseUrls {
  /** Web site, for example `https://bitbucket.org/`. */
  url?: string | undefined;
  /** API 2.0; by default `https://api.bitbucket.org/2.0` for bitbucket.org, `<url>api/2.0` for anything else. */
  apiUrl?: string | undefined;
}

/**
 * Gives the endpoints below the base URLs.
 * @throws TypeError for anything but https, or http on loopback: key, secret and tokens travel there
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/intro/#authentication
 */
export function endpointsOf(urls: BaseUrls = {}): Endpoints {
  const web = baseUrl(urls.url ?? 'https://bitbucket.org/', 'url');
  const api = urls.apiUrl ?? (web.host === 'bitbucket.org' ? 'https://api.bitbucket.org/2.0' : `${web.href}api/2.0`);
  return {
    issuer: web.origin,
    authorize: `${web.href}site/oauth2/authorize`,
    token: `${web.href}site/oauth2/access_token`,
    api: baseUrl(api, 'apiUrl').href.slice(0, -1),
  };
}

/** Whether what is sent to this address cannot be read on the way: https, or http that stays on this machine. */
export function isConfidential(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname));
}

function isLoopback(hostname: string): boolean {
  // URL has brought every spelling of an IPv4 address into dotted form already.
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function baseUrl(value: string, option: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !isConfidential(url) || url.username || url.password || url.search || url.hash) {
    throw new TypeError(`${option} must be an https URL (http only on loopback) without user, query or fragment`);
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
