// One keep-alive connection of a browser, as light as it can be: what is measured is the server, not the load generator.
import { connect } from 'node:net';

/** Sends one request at a time. Understands answers with a Content-Length only; all servers measured here send it. */
export class Connection {
  #socket;
  #host;
  #received = '';
  #waiting;

  constructor(url) {
    const { hostname, port, host } = new URL(url);
    this.#host = host;
    this.#socket = connect(Number(port), hostname).setNoDelay().setEncoding('latin1');
    this.#socket.on('data', (text) => this.#read(text));
    this.#socket.on('error', (error) => this.#waiting?.reject(error));
    this.#socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')));
  }

  /** @returns {Promise<{status: number, head: string, body: string}>} bytes as latin1; `head` has status line and headers */
  get(path, cookie = '', header = '') {
    const more = header === '' ? '' : `${header}\r\n`;
    return this.#send(`GET ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${cookieLine(cookie)}${more}\r\n`);
  }

  post(path, cookie, form, type = 'Content-Type: application/x-www-form-urlencoded') {
    const head = `POST ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${type}\r\nContent-Length: ${form.length}`;
    return this.#send(`${head}\r\n${cookieLine(cookie)}\r\n${form}`);
  }

  close() {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #send(request) {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the server closed the connection'));
      this.#waiting = { resolve, reject };
      this.#socket.write(request, 'latin1');
    });
  }

  #read(text) {
    if (!this.#waiting) return; // nobody has asked: the server says why it is going to close the connection
    this.#received += text;
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = this.#received.slice(0, end + 2);
    const length = Number(headerOf(head, 'content-length'));
    if (Number.isNaN(length)) return this.#waiting.reject(new Error(`an answer without Content-Length: ${head}`));
    if (this.#received.length < end + 4 + length) return;
    const body = this.#received.slice(end + 4, end + 4 + length);
    this.#received = '';
    const { resolve } = this.#waiting;
    this.#waiting = undefined;
    resolve({ status: Number(head.slice(9, 12)), head, body });
  }
}

function cookieLine(cookie) {
  return cookie === '' ? '' : `Cookie: ${cookie}\r\n`;
}

const patterns = new Map();

/** The first header of that name (lower case), or undefined. */
export function headerOf(head, name) {
  let pattern = patterns.get(name);
  if (!pattern) patterns.set(name, (pattern = new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i')));
  return pattern.exec(head)?.[1];
}

/** Adds the cookies an answer sets to those of a browser. @returns the new value of its Cookie header */
export function withCookies(cookie, head) {
  const jar = new Map(cookie === '' ? [] : cookie.split('; ').map((pair) => pair.split(/=(.*)/s, 2)));
  for (const [, name, value] of head.matchAll(/\r\nset-cookie: ([^=;\r]+)=([^;\r]*)/gi)) jar.set(name, value);
  return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
}
