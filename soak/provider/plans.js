// What a broken or hostile Bitbucket answers during one sign-in. A plan follows from its seed and number alone, so that
// the far end and whoever judges work it out each for itself.
import { seeded, seedOf } from '../random.js';
import { oddText } from '../fuzz/strings.js';

/** In every token and code: found in no log, page or database. */
export const CANARY = 'canary7Fq2';

/**
 * @typedef {object} Reply
 * @property {number} status
 * @property {string[]} headers
 * @property {string | Uint8Array} body
 * @property {string} how it is sent, see far-end.js
 *
 * @typedef {object} Plan
 * @property {string} uuid whom the plan is about
 * @property {'good' | 'bad' | 'either'} verdict may this person come in?
 * @property {string} what goes wrong, in a word
 * @property {Record<'token' | 'user' | 'emails', Reply>} replies
 */

const JSON_TYPE = 'Content-Type: application/json';

/** From this number on every plan is an answer of one byte a second. */
export const DRIPPING = 1_000_000;

/** @returns {Plan} */
export function planFor(seed, number) {
  const random = seeded(seedOf(seed, number));
  const uuid = `{${random.text('0123456789abcdef', 8)}-0000-4000-8000-${number.toString(16).padStart(12, '0')}}`;
  const good = goodReplies(number, uuid);
  if (number >= DRIPPING) {
    const slow = ['token', 'user', 'emails'][number % 3];
    return {
      uuid,
      verdict: 'bad',
      what: `${slow}: drip`,
      replies: { ...good, [slow]: { ...good[slow], how: 'drip' } },
    };
  }
  if (random.chance(0.4)) return { uuid, verdict: 'good', what: 'good', replies: good };
  const endpoint = random.weighted([
    [4, 'token'],
    [4, 'user'],
    [2, 'emails'],
  ]);
  const fault = random.pick(random.chance(0.5) ? TRANSPORT : CONTENT[endpoint]);
  const { verdict = 'bad', ...changed } = fault(random, good[endpoint]);
  const replies = { ...good, [endpoint]: { ...good[endpoint], ...changed } };
  // Names and addresses are cleaned or left out, so whatever stands there keeps nobody out.
  return { uuid, verdict, what: `${endpoint}: ${fault.name}`, replies };
}

function goodReplies(number, uuid) {
  const token = `${number}.${CANARY}.${'x'.repeat(900)}`;
  return {
    token: json({
      access_token: token,
      refresh_token: `r${token}`,
      token_type: 'bearer',
      expires_in: 7200,
      scope: 'account email',
    }),
    user: json({
      type: 'user',
      uuid,
      username: `soak-${number}`,
      nickname: `soak-${number}`,
      display_name: `Soak ${number}`,
    }),
    emails: json({
      values: [{ email: `soak-${number}@example.com`, is_primary: true, is_confirmed: true }],
      pagelen: 100,
    }),
  };
}

function json(value) {
  return { status: 200, headers: [JSON_TYPE], body: JSON.stringify(value), how: 'plain' };
}

function changed(reply, change) {
  return { body: JSON.stringify({ ...JSON.parse(reply.body), ...change }) };
}

const ODD_VALUES = [null, 0, -1, '', 'x', [], {}, [[]], true, '\u0000', 'a b', 'a\r\nb', { $ne: 1 }, ['a', 'b'], 'ü'];
const NOT_JSON = [
  '',
  ' ',
  '{',
  '[1,',
  'null;',
  '<html>login</html>',
  'access_token=EVIL&token_type=bearer',
  '\ufeff{}',
  '{}{}',
  "{'a':1}",
  'NaN',
];
const NOT_AN_OBJECT = ['null', '[]', '"x"', '42', 'true', '{}', '[{}]', '{"error":"invalid_grant"}', '{"error":{}}'];
const STATUSES = [201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 410, 418, 429, 500, 502, 503, 504, 599];

/** Of any answer. */
const TRANSPORT = [
  function cutOff() {
    return { how: 'cut' };
  },
  function reset() {
    return { how: 'reset' };
  },
  function splitInsideOfACharacter(_random, reply) {
    return { ...changed(reply, { note: 'Jürgen 🙂' }), how: 'split', verdict: 'good' };
  },
  function floodOfContinues() {
    return { how: 'continues', verdict: 'either' };
  },
  function floodOfHeaders(random, { headers }) {
    return {
      headers: [...headers, ...Array.from({ length: 40 }, (_, n) => `X-${n}: ${'h'.repeat(600 + random.int(400))}`)],
    };
  },
  function compressed(_random, { headers }) {
    return { headers: [...headers, 'Content-Encoding: gzip'] };
  },
  function otherType(random) {
    return {
      headers: [
        `Content-Type: ${random.pick(['text/html', 'text/plain', 'application/xml', 'application/octet-stream', ''])}`,
      ],
    };
  },
  function noJson(random) {
    return { body: random.pick(NOT_JSON) };
  },
  function noObject(random) {
    return { body: random.pick(NOT_AN_OBJECT) };
  },
  function deepJson(random) {
    const depth = 2000 + random.int(100_000);
    return { body: '{"a":'.repeat(depth) + '1' + '}'.repeat(depth) };
  },
  function tooLarge(_random, reply) {
    return changed(reply, { padding: 'p'.repeat(1_100_000) });
  },
  function otherEncoding(random, { body }) {
    const bytes = random.pick([
      new Uint8Array([...body].flatMap((c) => [c.charCodeAt(0), 0])),
      new Uint8Array([123, 34, 0xff, 0xfe, 34, 125]),
    ]);
    return { body: bytes };
  },
  function oddStatus(random, reply) {
    const headers = [
      ...reply.headers,
      `Location: ${random.pick(['/', 'http://127.0.0.1:1/', 'https://evil.test/', ''])}`,
    ];
    const retry = `Retry-After: ${random.pick(['1', '3600', '-1', 'soon', 'Thu, 01 Jan 2099 00:00:00 GMT', '9'.repeat(30)])}`;
    const status = random.pick(STATUSES);
    // Addresses that may not be read are no addresses.
    return { status, headers: [...headers, retry], verdict: status === 403 ? 'either' : 'bad' };
  },
  function garbage(random) {
    return {
      how: 'raw',
      body: random.pick([
        'HTTP/1.1 abc\r\n\r\n',
        'SSH-2.0-x\r\n',
        '\0'.repeat(100),
        'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n',
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      ]),
    };
  },
  function rareSilence(random) {
    if (!random.chance(0.04)) return { how: 'cut' };
    return { how: random.pick(['silent', 'stall', 'drip']) };
  },
];

const CONTENT = {
  token: [
    function oddToken(random, reply) {
      return changed(reply, { access_token: random.pick(ODD_VALUES.filter((value) => value !== 'x')) });
    },
    function longToken(_random, reply) {
      return changed(reply, { access_token: 'y'.repeat(100_000) });
    },
    function oddTokenType(random, reply) {
      return changed(reply, { token_type: random.pick([...ODD_VALUES, 'mac', 'bearer ']) });
    },
    function otherTokenType(random, reply) {
      return { ...changed(reply, { token_type: random.pick(['Bearer', 'BEARER', 'bearer']) }), verdict: 'good' };
    },
    function oddLife(random, reply) {
      return {
        ...changed(reply, { expires_in: random.pick([...ODD_VALUES, '7200', 1e12, 2 ** 31]) }),
        verdict: 'good',
      };
    },
    function oddScope(random, reply) {
      return {
        ...changed(reply, { scope: random.pick(ODD_VALUES), scopes: random.pick(ODD_VALUES) }),
        verdict: 'good',
      };
    },
    function oddRefreshToken(random, reply) {
      return { ...changed(reply, { refresh_token: random.pick(ODD_VALUES) }), verdict: 'either' };
    },
  ],
  user: [
    function oddUuid(random, reply) {
      const { uuid } = JSON.parse(reply.body);
      const none = [
        '{00000000-0000-0000-0000-000000000000}',
        uuid.slice(1, -1),
        `${uuid} `,
        `${uuid}\n`,
        uuid.replace('0', 'o'),
        '{}',
      ];
      return changed(reply, { uuid: random.pick([...ODD_VALUES, ...none]) });
    },
    function otherType(random, reply) {
      return changed(reply, { type: random.pick([...ODD_VALUES, 'team', 'app_user', 'User']) });
    },
    function oddNames(random, reply) {
      const name = () => (random.chance(0.3) ? random.pick(ODD_VALUES) : oddText(random));
      return { ...changed(reply, { username: name(), nickname: name(), display_name: name() }), verdict: 'good' };
    },
    function oddLinks(random, reply) {
      const link = () => random.pick([...ODD_VALUES, { href: oddText(random) }, { href: 'javascript:alert(1)' }]);
      return { ...changed(reply, { links: random.pick([link(), { avatar: link(), html: link() }]) }), verdict: 'good' };
    },
    function polluting(_random, reply) {
      const body = `{"__proto__":{"zqpolluted":1},"constructor":{"prototype":{"zqpolluted":1}},${reply.body.slice(1)}`;
      return { body, verdict: 'good' };
    },
    function hugeName(_random, reply) {
      return { ...changed(reply, { display_name: '\u0300Z'.repeat(200_000) }), verdict: 'good' };
    },
  ],
  emails: [
    function oddList(random, reply) {
      return changed(reply, { values: random.pick(ODD_VALUES.filter((value) => !Array.isArray(value))) });
    },
    function oddEntries(random, reply) {
      const email = () =>
        random.pick([
          ...ODD_VALUES,
          oddText(random),
          'root@example.com',
          `a@${'b.'.repeat(200)}c`,
          '"a b"@example.com',
        ]);
      const flag = () => random.pick([true, true, 'true', 1, null, 'false']);
      const values = Array.from({ length: random.int(20) }, () => ({
        email: email(),
        is_primary: flag(),
        is_confirmed: flag(),
      }));
      // Two of these people may have the same address: then the second one is refused.
      return { ...changed(reply, { values: [...values, ...ODD_VALUES] }), verdict: 'either' };
    },
    function oddNext(random, reply) {
      const next = random.pick([
        'http://127.0.0.1:1/',
        'https://evil.test/2.0/user/emails',
        '//evil.test',
        'file:///etc/passwd',
        '?page=2',
        '\0',
      ]);
      return changed(reply, { next });
    },
    function manyEntries(_random, reply) {
      const entry = { email: 'many@example.com', is_primary: false, is_confirmed: true };
      return { ...changed(reply, { values: Array.from({ length: 8000 }, () => entry) }), verdict: 'good' };
    },
  ],
};
