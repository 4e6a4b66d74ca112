// What no answer may be, whatever was asked.
import { INJECTED_HEADER, MARKUP } from './strings.js';

const STACK = /\n {4}at |node_modules|\/dist\/|SQLITE_|select \* from/i;
/** Beyond 500 an answer has to be one of these, and from there. */
const ALLOWED_5XX = {
  501: /./, // a method nobody knows
  502: /callback/,
  503: /callback|start|form|headers|sign-in/, // Bitbucket or our own queue is full; "prefetch" is refused so, too
  504: /callback/,
  505: /broken/,
};

/** The one place where an address that was asked for may come back, encoded: strangers are led to sign-in and back. */
const LED_TO_SIGN_IN = /(?<=\r\nlocation: [^\r]*\/users\/sign_in\?return_to=)%2F[A-Za-z0-9%._~!*'()-]*(?=\r\n)/i;

/**
 * @param {{ kind: string }} request
 * @param {{ status: number, head: string, body: string }} answer
 * @param {string[]} origins where an answer may lead
 * @returns what is wrong, or undefined
 */
export function faultOf({ kind }, { status, head, body }, origins) {
  if (!(status >= 200 && status < 500) && !ALLOWED_5XX[status]?.test(kind)) return `status ${status} for ${kind}`;
  if (body.includes(MARKUP)) return 'markup that is not escaped';
  if (head.includes(`\n${INJECTED_HEADER}`)) return 'a header of the request in the answer';
  const ownHead = head.replace(LED_TO_SIGN_IN, '');
  const ownBody = ownHead === head ? body : ''; // else it is Express's short text, with the same address
  if (ownHead.includes('zq9soak') || `${ownHead}${ownBody}`.includes('zqpolluted'))
    return 'text of the request in the answer';
  if (STACK.test(body)) return 'inside of the server in the answer';
  const location = /\r\nlocation: ([^\r]*)/i.exec(head)?.[1];
  if (location !== undefined && !leadsTo(location, origins)) return `leads to ${location.slice(0, 100)}`;
  return undefined;
}

/** As a browser reads it. */
function leadsTo(location, origins) {
  const url = URL.parse ? URL.parse(location, origins[0]) : new URL(location, origins[0]);
  return url !== null && origins.includes(url.origin);
}
