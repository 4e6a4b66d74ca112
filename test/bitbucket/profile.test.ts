// What becomes of the answers of /user and /user/emails, good and bad.
import { Browser, makeApp, type Outcome } from './start-app.ts';
import { emailReply, emailsReply, tokenReply, userReply, uuid } from './replies.ts';
import { json, routes, startFarEnd, type FarEnd } from './start-far-end.ts';

async function signIn(user: FarEnd['answer'], emails: FarEnd['answer'] = json(emailsReply)): Promise<Outcome> {
  const table = {
    '/site/oauth2/access_token': json(tokenReply),
    '/api/2.0/user': user,
    '/api/2.0/user/emails': emails,
  };
  const { url } = await startFarEnd(routes(table));
  return new Browser(makeApp({ url, httpOptions: { deadlineMs: 2000 } })).signIn();
}

const profileOf = async (change: object) => (await signIn(json({ ...userReply, ...change }))).user?.profile;
const emailOf = async (...entries: object[]) =>
  (await signIn(json(userReply), json({ values: entries }))).user?.profile.email;

test('a person becomes a profile under our names', async () => {
  expect(await profileOf({ is_staff: true, role: 'admin' })).toEqual({
    provider: 'bitbucket',
    uuid,
    accountId: '557058:0f0e0d0c-1111-2222-3333-444455556666',
    username: 'jurgen',
    nickname: 'jurgen',
    displayName: 'Jürgen Müller',
    email: 'jurgen@example.com',
    avatarUrl: 'https://avatar.example/jurgen.png',
    profileUrl: 'https://bitbucket.org/%7B7f5a3a6c-2b1d-4c8e-9f00-0123456789ab%7D/',
    scopes: ['account', 'email'],
  });
});

test('the uuid has one spelling', async () => {
  expect((await profileOf({ uuid: uuid.toUpperCase() }))?.uuid).toBe(uuid);
});

test.each([
  undefined,
  null,
  0,
  '',
  '   ',
  [uuid],
  uuid.slice(1, -1),
  `${uuid}\n`,
  ` ${uuid}`,
  "' OR '1'='1",
  '__proto__',
  '{00000000-0000-0000-0000-000000000000}',
])('the uuid %j is nobody, whatever else the answer says (PF-026)', async (wrong) => {
  expect(await signIn(json({ ...userReply, uuid: wrong }))).toMatchObject({ action: 'error', reason: 'failed' });
});

test.each(['team', 'app_user', undefined])('an account of type %j does not sign in (PF-026)', async (type) => {
  expect(await signIn(json({ ...userReply, type }))).toMatchObject({ action: 'error', reason: 'failed' });
});

test('only uuid and type are needed', async () => {
  const outcome = await signIn(json({ type: 'user', uuid }), json({ values: [] }));
  const bare = { provider: 'bitbucket', uuid, displayName: uuid, email: null, scopes: ['account', 'email'] };
  expect(outcome.user?.profile).toEqual(bare);
});

test.each([
  [null, 'jurgen'],
  ['   ', 'jurgen'],
  [{ a: 1 }, 'jurgen'],
  [['x'], 'jurgen'],
  ['\u200b\u200c\u200d', 'jurgen'],
  ['\ud83d', 'jurgen'],
  ['  Ann \t\r\n Lee\u2028', 'Ann Lee'],
  ['\u001b[31mred\u0000', '[31mred'],
  ['\u202eevil\u2066', 'evil'],
  ['A'.repeat(10_000), 'A'.repeat(100)],
  ['e' + '\u0301'.repeat(500), 'é\u0301\u0301\u0301\u0301'],
  ['<b>"x" onclick=y', '<b>"x" onclick=y'],
  ['👩\u200d💻 Zoë', '👩\u200d💻 Zoë'],
])('the display name %j is shown as %j (PF-026)', async (given, shown) => {
  expect((await profileOf({ display_name: given }))?.displayName).toBe(shown);
});

test.each(['javascript:alert(1)', 'http://avatar.example/', 'https://u:p@avatar.example/', '//x', 1, 'data:,x'])(
  'the avatar %j is left out',
  async (href) => {
    expect(await profileOf({ links: { avatar: { href } } })).not.toHaveProperty('avatarUrl');
  },
);

test('links may be missing or nonsense', async () => {
  for (const links of [undefined, null, 'x', { avatar: 'x', html: [] }]) {
    expect((await profileOf({ links }))?.uuid).toBe(uuid);
  }
});

test('a member named __proto__ pollutes nothing (PF-026, HT-020)', async () => {
  const text = JSON.stringify(userReply).replace(
    '{',
    '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},',
  );
  expect((await signIn(json(text))).action).toBe('success');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('an address counts only as primary and confirmed, both literally true (PF-026)', async () => {
  expect(
    await emailOf({ ...emailReply, is_confirmed: false }, { ...emailReply, email: 'b@b.example', is_primary: false }),
  ).toBeNull();
  expect(await emailOf({ ...emailReply, is_confirmed: 'true' })).toBeNull();
  expect(await emailOf({ ...emailReply, is_confirmed: undefined })).toBeNull();
  expect(await emailOf({ ...emailReply, is_primary: 1 })).toBeNull();
  expect(await emailOf(emailReply, { ...emailReply, email: 'other@example.com' })).toBeNull();
  expect(await emailOf(emailReply, { ...emailReply, is_confirmed: false })).toBeNull();
  expect(await emailOf({ ...emailReply, is_primary: false }, emailReply)).toBe('jurgen@example.com');
});

test.each([
  null,
  { $gt: '' },
  'alice',
  ' alice@example.com',
  'alice@example.com\u0000@evil.example',
  '"a@corp.example"@evil.example',
  '\u212aate@example.com',
  'a@[127.0.0.1]',
  'a@127.0.0.1',
  'a@example.com;b@example.com',
  'a@@example.com',
  'a@example..com',
  '.a@example.com',
  'a\r\nbcc:b@example.com',
  `${'a'.repeat(65)}@example.com`,
  `a@${'b.'.repeat(125)}example`,
])('the address %j is not repaired but left out (PF-026)', async (email) => {
  expect(await emailOf({ ...emailReply, email })).toBeNull();
});

test.each(["o'neil+tag@xn--exmple-cua.example", 'A.B@Example.COM'])(
  'the address %s is kept as it is',
  async (email) => {
    expect(await emailOf({ ...emailReply, email })).toBe(email);
  },
);

test('403 for the addresses means: signed in without one (PF-024)', async () => {
  const outcome = await signIn(json(userReply), json({ type: 'error' }, 403));
  expect(outcome).toMatchObject({ action: 'success', user: { profile: { email: null } } });
});

const addressFaults: [string, FarEnd['answer'], string][] = [
  ['404', json({}, 404), 'failed'],
  ['401', json({}, 401), 'failed'],
  ['500', json({}, 500), 'failed'],
  ['429', json({}, 429), 'throttled'],
  ['HTML', json('<p>', 200, { 'content-type': 'text/html' }), 'failed'],
  ['no values', json({}), 'failed'],
  ['a stall', (_, response) => response.writeHead(200).flushHeaders(), 'timeout'],
];

test.each(addressFaults)(
  'addresses answered by %s: nobody is signed in without knowing (PF-024)',
  async (_, answer, reason) => {
    expect(await signIn(json(userReply), answer)).toMatchObject({ action: 'error', reason });
  },
);

test.each([401, 404, 410, 500, 302])(
  'a user answered with %s after a good token is a failure (PF-023)',
  async (status) => {
    expect(await signIn(json({ type: 'error', error: { message: 'FOREIGN' } }, status))).toMatchObject({
      action: 'error',
      status: 502,
      reason: 'failed',
      message: `Bitbucket (user): unexpected answer with status ${status}`,
    });
  },
);

test('a 403 that names the missing scope passes it on for the administrator', async () => {
  const detail = { required: ['account'], granted: ['repository'] };
  const outcome = await signIn(json({ type: 'error', error: { message: 'FOREIGN', detail } }, 403));
  expect(outcome).toMatchObject({ action: 'error', status: 502, reason: 'missing_scope', requiredScopes: ['account'] });
});
