// Profiles and addresses that Bitbucket, or who sits in its place, may send: each is signed in as the right person or
// refused on a page of ours, and the server goes on. One server for the whole table.
import type { Override } from '../../src/sandbox/overrides.ts';
import { openBrowser, signInWithBitbucket, startBoth, type Answer } from '../support/people.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { listenTo } from './recorder.ts';

const UUID = '{0b9f1d52-6c3e-4f7a-8a11-c0ffee000001}';
const user = (change: object = {}) => ({
  type: 'user',
  uuid: UUID,
  username: 'mona',
  display_name: 'Mona Lisa',
  ...change,
});
const as = (change: object): Override => ({ json: user(change) });
const text = (value: string | Buffer): Override => ({ text: value });
const address = (change: object = {}) => ({
  email: 'mona@example.test',
  is_primary: true,
  is_confirmed: true,
  ...change,
});
const emails = (...values: unknown[]): Override => ({ json: { values } });

/** What /api/v4/user says afterwards, or the status of the page that says no. */
type Expected = { username?: unknown; name?: unknown; email?: unknown; admin?: boolean } | number;
type Case = [what: string, user: Override, expected: Expected, emails?: Override | Override[]];

const identity: Case[] = [
  ['nothing special', as({}), { username: 'mona', name: 'Mona Lisa', email: 'mona@example.test' }],
  ...[
    undefined,
    null,
    '',
    ' ',
    1,
    [UUID],
    { a: UUID },
    UUID.slice(1, -1),
    `${UUID}\n`,
    `x' or 1=1 --`,
    '__proto__',
    '{}',
  ].map((uuid): Case => [`uuid ${JSON.stringify(uuid)}`, as({ uuid }), 502]),
  ['the uuid that is all zeros', as({ uuid: '{00000000-0000-0000-0000-000000000000}' }), 502],
  ['upper case of a known uuid', as({ uuid: UUID.toUpperCase() }), { username: 'mona' }],
  [
    'a known uuid under another name',
    as({ username: 'lisa', display_name: 'Lisa' }),
    { username: 'mona', name: 'Mona Lisa' },
  ],
  ['a team', as({ type: 'team' }), 502],
  ['an app', as({ type: 'app_user' }), 502],
  ['no type', as({ type: undefined }), 502],
  ['an unknown account_status', as({ account_status: 'dormant' }), { username: 'mona' }],
  ['rights that it gives itself', as({ is_staff: true, admin: true, role: 'root', state: 'active' }), { admin: false }],
  [
    'a member named __proto__',
    text(JSON.stringify(user()).replace('{', '{"__proto__":{"admin":1},')),
    { admin: false },
  ],
  [
    'a known account_id under another uuid',
    as({ uuid: UUID.replace('1}', '2}'), account_id: '1:a', username: 'x1' }),
    { username: 'x1', email: null },
    emails(),
  ],
];

/** Each by a person of its own. */
const names: Case[] = [
  ['none', { display_name: undefined, username: 'n1' }, { name: 'n1' }],
  ['null', { display_name: null, username: 'n2' }, { name: 'n2' }],
  ['blanks', { display_name: ' \t ', username: 'n3' }, { name: 'n3' }],
  ['an object', { display_name: { toString: 1 }, username: 'n4' }, { name: 'n4' }],
  ['a list', { display_name: ['x'], username: 'n5' }, { name: 'n5' }],
  [
    'markup',
    { display_name: `"><img src=x onerror=alert(1)>`, username: 'n6' },
    { name: `"><img src=x onerror=alert(1)>` },
  ],
  [
    'a template',
    { display_name: '<%= process.env %>${1+1}{{1}}', username: 'n7' },
    { name: '<%= process.env %>${1+1}{{1}}' },
  ],
  ['10,000 characters', { display_name: 'm'.repeat(10_000), username: 'n8' }, { name: 'm'.repeat(100) }],
  ['nothing to be seen', { display_name: '\u200b\u2060\ufeff', username: 'n9' }, { name: 'n9' }],
  [
    'a flood of marks',
    { display_name: `a${'\u0300'.repeat(900)}`, username: 'n10' },
    { name: expect.stringMatching(/^.{1,6}$/) as unknown },
  ],
  [
    'colours of a terminal',
    { display_name: '\u001b[1;31mred\u001b[0m\r\n', username: 'n11' },
    { name: '[1;31mred[0m' },
  ],
  ['half a character', { display_name: '\ud83d', username: 'n12' }, { name: 'n12' }],
  ['text that runs backwards', { display_name: 'a\u202ecod.exe', username: 'n13' }, { name: 'acod.exe' }],
  ['no username', { username: null, nickname: null, display_name: null }, { username: 'user' }],
  [
    'an empty username',
    { username: '', nickname: '', display_name: 'Eve Void' },
    { username: 'user-2', name: 'Eve Void' },
  ],
  ['a reserved username', { username: 'admin' }, { username: 'admin-2', admin: false }],
  ['the name of the administrator', { username: 'root' }, { username: 'root-2', admin: false }],
  ['a username that is a path', { username: '../../etc/passwd' }, { username: 'etc-passwd' }],
  ['a username with NUL', { username: 'o\0o' }, { username: 'oo' }],
  ['upper case of a known username', { username: 'MONA' }, { username: 'mona-2' }],
  ['a username of other letters', { username: 'ｍｏｎａ' }, { username: 'mona-3' }],
  ['an ending with a meaning', { username: 'repo.git' }, { username: 'repo-git' }],
  ['a username of 5,000 characters', { username: 'u'.repeat(5000) }, { username: 'u'.repeat(60) }],
].map(([what, change, expected], at) => [
  `name: ${what as string}`,
  as({ uuid: UUID.replace('c0ffee000001', `a${String(at).padStart(11, '0')}`), ...(change as object) }),
  expected as Expected,
  emails(),
]);

const noEmail = { email: null };
const addresses: [what: string, Override | Override[], Expected][] = [
  ['none', emails(), noEmail],
  ['forbidden', { status: 403, json: {} }, noEmail],
  ['primary but not confirmed', emails(address({ is_confirmed: false }), address({ is_primary: false })), noEmail],
  ['confirmed by the text "false"', emails(address({ is_confirmed: 'false' })), noEmail],
  ['confirmed by 1', emails(address({ is_confirmed: 1 })), noEmail],
  ['no word on confirmed', emails(address({ is_confirmed: undefined })), noEmail],
  ['no word on primary', emails(address({ is_primary: undefined })), noEmail],
  ['twice, with other flags', emails(address(), address({ is_confirmed: false })), noEmail],
  ...[
    null,
    {},
    [],
    42,
    'mona',
    ' mona@example.test',
    '"mona@corp.test"@evil.test',
    'mona@corp.test@evil.test',
    'mona@corp.test\0.evil.test',
    'mona@corp.test\r\nBcc: x@evil.test',
    'mona@corp.test;x@evil.test',
    'mon\u0430@example.test',
    '\u212aate@example.test',
    'mona@[127.0.0.1]',
    'mona@127.0.0.1',
    `${'m'.repeat(300)}@example.test`,
  ].map((email): [string, Override, Expected] => [
    JSON.stringify(email).slice(0, 40),
    emails(address({ email })),
    noEmail,
  ]),
  [
    'another domain that ends like it',
    emails(address({ email: 'm@corp.test.evil.test' })),
    { email: 'm@corp.test.evil.test' },
  ],
  ['punycode', emails(address({ email: 'm@xn--e1afmkfd.test' })), { email: 'm@xn--e1afmkfd.test' }],
  ['with a plus', emails(address({ email: 'm+tag@example.test' })), { email: 'm+tag@example.test' }],
  ['that another account has', emails(address({ email: 'Mona@Example.test' })), 409],
  [
    'entries of another shape beside it',
    emails(null, 'x', [], {}, address({ email: 'm1@example.test' })),
    { email: 'm1@example.test' },
  ],
  ['no list', { json: { pagelen: 10 } }, 502],
  ['a list that is none', { json: { values: { 0: address() } } }, 502],
  ['null', { json: null }, 502],
  ['404', { status: 404, json: {} }, 502],
  ['HTML', { headers: { 'content-type': 'text/html' }, text: '<html>' }, 502],
  ['a next page elsewhere', { json: { values: [], next: '{{EVIL}}' } }, 502],
  ['a next page in a file', { json: { values: [], next: 'file:///etc/passwd' } }, 502],
];

const transport: Case[] = [
  ['502 with HTML', { status: 502, headers: { 'content-type': 'text/html' }, text: '<h1>Bad gateway</h1>' }, 502],
  ['401', { status: 401, json: {} }, 502],
  ['403', { status: 403, json: { error: { message: 'zz-foreign' } } }, 502],
  ['404', { status: 404, json: {} }, 502],
  ['410', { status: 410, json: {} }, 502],
  ['429', { status: 429, headers: { 'retry-after': '1' }, json: {} }, 503],
  ['204', { status: 204 }, 502],
  ['an empty body', text(''), 502],
  ...['null', 'true', '42', '"x"', '[]', '{}', '{"uuid":"{11', '{"a":1}{"b":2}', 'NaN'].map((body): Case => [
    body,
    text(body),
    502,
  ]),
  ['UTF-16', text(Buffer.from(`\ufeff${JSON.stringify(user())}`, 'utf16le')), 502],
  ['Latin-1', text(Buffer.from(JSON.stringify(user({ display_name: 'é' })), 'latin1')), 502],
  ['two megabytes', as({ padding: 'x'.repeat(2_000_000) }), 502],
  ['brackets without end', text('['.repeat(200_000)), 502],
  ['compressed in name only', { headers: { 'content-encoding': 'gzip' }, json: user() }, 502],
  ['a redirect elsewhere', { status: 302, headers: { location: '{{EVIL}}' }, json: user() }, 502],
  [
    "a redirect to the cloud's own addresses",
    { status: 307, headers: { location: 'http://169.254.169.254/' }, json: user() },
    502,
  ],
  ['64 kB of headers', { headers: { 'x-long': 'y'.repeat(65_000) }, json: user() }, 502],
];

const everything: Case[] = [
  ...identity,
  ...names,
  ...addresses.map(([what, reply, expected], at): Case => {
    const uuid = UUID.replace('c0ffee000001', `e${String(at).padStart(11, '0')}`);
    return [`address: ${what}`, as({ uuid, username: `e${at}` }), expected, reply];
  }),
  ...transport.map(([what, ...rest]): Case => [`answer: ${what}`, ...rest]),
];

test(`${everything.length} profiles, addresses and answers of every kind end as they should (PF-026)`, async () => {
  const recorder = await listenTo(closeAtEnd);
  const evil = (value: unknown) => JSON.parse(JSON.stringify(value).replaceAll('{{EVIL}}', recorder.url)) as Override;
  const { app, sandbox } = await startBoth({ yaml: 'rate_limits: { oauth_per_minute: 0 }\n' });
  const wrong: unknown[] = [];
  for (const [what, reply, expected, addresses = emails(address())] of everything) {
    const hasPlaceholder = JSON.stringify([reply, addresses]).includes('{{EVIL}}');
    sandbox.override('alice', {
      user: hasPlaceholder ? evil(reply) : reply,
      emails: hasPlaceholder ? evil(addresses) : addresses,
    });
    const browser = openBrowser(app);
    const answer = await signInWithBitbucket(browser, sandbox);
    const me = await browser.get('/api/v4/user');
    const fits = typeof expected === 'number' ? [answer.status, me.status] : [answer.status, me.body as unknown];
    try {
      expect(fits).toEqual(typeof expected === 'number' ? [expected, 401] : [303, expect.objectContaining(expected)]);
      expect(leaks(answer)).toBeNull();
    } catch (error) {
      wrong.push([what, (error as Error).message]);
    }
  }
  expect(wrong).toEqual([]);
  expect(recorder.requests).toEqual([]);
  expect(({} as { admin?: unknown }).admin).toBeUndefined();
  expect(app.log.join('\n')).not.toMatch(/zz-foreign|\\u001b|"level":"fatal"/);
  expect((await openBrowser(app).get('/-/readiness')).status).toBe(200);
});

function leaks({ text }: Answer): RegExpMatchArray | null {
  return /zz-foreign|\[object Object\]|>\s*(undefined|null)\s*<|onerror=alert\(1\)>|SQLITE|\.ts:\d/.exec(text);
}
