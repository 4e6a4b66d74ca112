// A person with a browser, as far as these tests need one: it keeps cookies, and it can be led to any port while it
// believes to be at the public address, as behind a load balancer.
import type { IncomingHttpHeaders } from 'node:http';
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

export interface Way {
  /** The public address (external_url). */
  url: string;
  /** Where to connect to on this machine. */
  port: number;
  /** Speaks TLS itself; otherwise the connection begins behind whoever does https. Certificates are not checked. */
  tls?: boolean;
  /** The visitor's own address, one of 127.0.0.0/8. */
  from?: string;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

interface Extras {
  form?: Record<string, string>;
  headers?: Record<string, string>;
}

/** Nothing that is answered takes so long, on the busiest machine. */
const PATIENCE_MS = 60_000;

export class Visitor {
  readonly #way: Way;
  readonly #cookies: Map<string, string>;

  constructor(way: Way, cookies = new Map<string, string>()) {
    this.#way = way;
    this.#cookies = cookies;
  }

  /** The same browser with the same cookies, led to another port. */
  through(port: number): Visitor {
    return new Visitor({ ...this.#way, port }, this.#cookies);
  }

  /** Somebody who has copied another browser's cookies. */
  withCookiesOf(other: Visitor): Visitor {
    return new Visitor(this.#way, new Map(other.#cookies));
  }

  /** A browser that has never been here. */
  newBrowser(): Visitor {
    return new Visitor(this.#way);
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  /** @param path below the public address. @throws when no whole answer comes */
  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send('GET', this.#way.url + path, { headers });
  }

  post(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> {
    return this.#send('POST', this.#way.url + path, { form, headers });
  }

  /** Follows a link to the public address. */
  open(address: string): Promise<Answer> {
    return this.#send('GET', address, {});
  }

  /** Presses the Bitbucket button. @returns the answer, a redirect to Bitbucket if all is well */
  async start(headers: Record<string, string> = {}): Promise<Answer> {
    const _csrf = csrfOf(await this.get('/users/sign_in', headers));
    return this.post('/users/auth/bitbucket', { _csrf }, headers);
  }

  /** Presses the button, agrees at Bitbucket and comes back. @returns the answer of the callback */
  async signIn(sandbox: Sandbox, as = 'alice', headers: Record<string, string> = {}): Promise<Answer> {
    return this.open(await this.agree(sandbox, await this.start(headers), as));
  }

  /** @returns the address that Bitbucket sends the browser back to */
  async agree(sandbox: Sandbox, started: Answer, as = 'alice'): Promise<string> {
    if (started.status !== 302) throw new Error(`no way to Bitbucket: ${started.status} ${started.text.slice(0, 500)}`);
    return sandbox.decide(String(started.headers.location), { as, decision: 'allow' });
  }

  async signInWithPassword(login: string, password: string): Promise<Answer> {
    const _csrf = csrfOf(await this.get('/users/sign_in'));
    return this.post('/users/sign_in', { _csrf, login, password });
  }

  async signOut(): Promise<Answer> {
    return this.post('/users/sign_out', { _csrf: csrfOf(await this.get('/')) });
  }

  /** @returns the user name of whoever is signed in, or the status when there is nobody or no proper answer */
  async whoAmI(): Promise<string | number> {
    const { status, text } = await this.get('/api/v4/user');
    return status === 200 ? (JSON.parse(text) as { username: string }).username : status;
  }

  #send(method: string, address: string, { form, headers = {} }: Extras): Promise<Answer> {
    const { host, pathname, search, hostname } = new URL(address);
    const body = form === undefined ? '' : new URLSearchParams(form).toString();
    const { port, tls = false, from } = this.#way;
    const options = {
      method,
      host: '127.0.0.1',
      port,
      path: pathname + search,
      agent: false as const,
      ...(from === undefined ? {} : { localAddress: from }),
      headers: {
        host,
        ...(this.#cookies.size > 0 ? { cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; ') } : {}),
        ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        'content-length': Buffer.byteLength(body),
        ...headers,
      },
    };
    return new Promise((resolve, reject) => {
      const sent = tls ? overHttps({ ...options, servername: hostname, rejectUnauthorized: false }) : overHttp(options);
      const timer = setTimeout(() => sent.destroy(new Error(`no answer to ${method} ${pathname}`)), PATIENCE_MS);
      sent.once('close', () => clearTimeout(timer));
      sent.once('error', reject);
      sent.once('response', (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.once('error', reject);
        res.once('end', () => {
          this.#keep(res.headers['set-cookie'] ?? []);
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(chunks).toString() });
        });
      });
      sent.end(body);
    });
  }

  /** As a browser does: none that is Secure from an address without https, and one that has expired is forgotten. */
  #keep(lines: string[]): void {
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const expires = /;\s*expires=([^;]+)/i.exec(line)?.[1];
      if (/;\s*secure/i.test(line) && !this.#way.url.startsWith('https:')) continue;
      if (expires !== undefined && Date.parse(expires) <= Date.now()) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
  }
}

/** The hidden field of a page's forms. */
export function csrfOf({ status, text }: Answer): string {
  const token = /name="_csrf" value="([^"]+)"/.exec(text)?.[1];
  if (token === undefined) throw new Error(`no _csrf field on this page (status ${status})`);
  return token;
}
