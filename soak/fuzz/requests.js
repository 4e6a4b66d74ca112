// Makes one request at random: bytes that a browser, a script, a broken proxy or an attacker could send.
import { broken } from './broken.js';
import { callback, form, signInPage, start } from './forms.js';
import { api, forwarded, oddCookie, oddHeaders, oddHost, oddMethod, oddPath } from './lines.js';

/**
 * @typedef {object} FuzzRequest
 * @property {string} kind
 * @property {string} bytes as latin1
 * @property {boolean} head whether the answer has no body
 * @property {boolean} alone whether it may end the connection or be taken for more than one request
 */

/**
 * @param {ReturnType<import('../random.js').seeded>} random
 * @param {{ host: string, browsers: { cookie: string, csrf: string }[], sessions: string[], states: { cookie: string, state: string }[] }} world
 * @returns {FuzzRequest}
 */
export function makeRequest(random, world) {
  return random.weighted(KINDS)(random, world);
}

const KINDS = [
  [16, signInPage],
  [14, callback],
  [12, form],
  [6, start],
  [12, oddPath],
  [6, oddMethod],
  [4, oddHost],
  [6, forwarded],
  [8, oddCookie],
  [7, oddHeaders],
  [6, api],
  [3, broken],
];
