// Every parameter of every route with values of every type, keys that mean something to JavaScript, and texts that make
// slow patterns slow.
import { csrfOf, openBrowser, signInWithBitbucket, startBoth, whoAmI, type Browser } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

const NO_LIMITS = 'rate_limits: { oauth_per_minute: 0, password_per_minute: 0, password_per_account: 0 }\n';

interface Route {
  method: 'get' | 'post';
  path: string;
  parameters: string[];
}

const ROUTES: Route[] = [
  { method: 'get', path: '/', parameters: ['x'] },
  { method: 'get', path: '/api/v4/user', parameters: ['x'] },
  { method: 'get', path: '/users/sign_in', parameters: ['return_to', 'auto_sign_in', 'other_account'] },
  {
    method: 'get',
    path: '/users/auth',
    parameters: ['code', 'state', 'error', 'error_description', 'error_uri', 'iss', 'scope'],
  },
  { method: 'post', path: '/users/sign_in', parameters: ['login', 'password', 'remember_me', 'return_to', '_csrf'] },
  { method: 'post', path: '/users/auth/bitbucket', parameters: ['return_to', 'remember_me', '_csrf', 'state', 'code'] },
  { method: 'post', path: '/users/sign_out', parameters: ['_csrf', 'x'] },
];
const READS = ROUTES.filter(({ method }) => method === 'get');
const FORMS = ROUTES.filter(({ method }) => method === 'post');

const GOOD: Record<string, string> = { login: 'nobody', password: 'wrong password', return_to: '/x' };

/** A browser that has been on the sign-in page, with the token of its forms. */
async function arrive(app: TestApp): Promise<{ browser: Browser; token: string }> {
  const browser = openBrowser(app);
  return { browser, token: csrfOf(await browser.get('/users/sign_in')) };
}

const asText = (name: string): string[] => [
  `${name}=`,
  name,
  `${name}=a&${name}=b`,
  `${name}[]=a`,
  `${name}[]=a&${name}[]=b`,
  `${name}[a]=b`,
  `${name}[__proto__][zz]=1`,
  `${name}[length]=1000000000`,
  `${name}.a=b`,
  `${name}=%00`,
  `${name}=%ff%fe`,
  `${name}=${encodeURIComponent('\u0000\r\n\u2028𝕏')}`,
  `${name}=%5Bobject%20Object%5D`,
  `${name}=null&${name}=undefined`,
  `${name}=//`, // a 500 once: no URL at all
  `${name}=//:`,
];

const values: unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  '',
  [],
  ['a'],
  [['a']],
  {},
  { a: 1 },
  { toString: 1 },
  { length: -1 },
];

test('a text, a list or a mapping in any parameter of a query or form is never an error of ours (HT-021)', async () => {
  const { app } = await startBoth({ yaml: NO_LIMITS });
  const { browser, token } = await arrive(app);
  const wrong: string[] = [];
  for (const { method, path, parameters } of ROUTES) {
    for (const text of parameters.flatMap(asText)) {
      const answer =
        method === 'get'
          ? await browser.get(`${path}?${text}`)
          : await browser.post(path).set('X-CSRF-Token', token).type('form').send(text);
      if (answer.status >= 500 || /zz|object Object/.test(answer.text))
        wrong.push(`${method} ${path} ${text}: ${answer.status}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(await whoAmI(browser)).toBeNull();
});

test('any type of JSON in any parameter of a form is a 400 where a text is wanted, and never an error of ours (HT-021)', async () => {
  const { app } = await startBoth({ yaml: NO_LIMITS });
  const { browser, token } = await arrive(app);
  const wrong: string[] = [];
  for (const { path, parameters } of FORMS) {
    for (const name of parameters) {
      for (const value of values) {
        const answer = await browser
          .post(path)
          .set('X-CSRF-Token', token)
          .set('Accept', 'application/json')
          .send({ ...GOOD, [name]: value });
        const known = ['login', 'password', 'return_to', 'remember_me'].includes(name) && !path.endsWith('sign_out');
        const isRight = known && typeof value !== 'string' ? answer.status === 400 : answer.status < 500;
        if (!isRight) wrong.push(`${path} ${name} ${JSON.stringify(value)}: ${answer.status}`);
      }
    }
    for (const body of [null, [], [[]], 'x', 1, true]) {
      const answer = await browser.post(path).set('X-CSRF-Token', token).type('json').send(JSON.stringify(body));
      if (answer.status >= 500) wrong.push(`${path} ${JSON.stringify(body)}: ${answer.status}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(await whoAmI(browser)).toBeNull();
});

const POLLUTION = [
  '__proto__',
  'constructor',
  'prototype',
  'constructor.prototype',
  '__defineGetter__',
  'toString',
  'hasOwnProperty',
];

test('keys that mean something to JavaScript change nothing, wherever they come in (HT-020)', async () => {
  const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
  const { browser, token } = await arrive(app);
  const before = Object.getOwnPropertyNames(Object.prototype);
  for (const key of POLLUTION) {
    const query = [`${key}[polluted]=zz`, `${key}.polluted=zz`, `${key}=zz`, `a[${key}][polluted]=zz`].join('&');
    for (const { path } of READS) await browser.get(`${path}?${query}`).set({ 'X-Polluted': key, Cookie: `${key}=zz` });
    for (const { path } of FORMS) {
      const post = () => browser.post(path).set('X-CSRF-Token', token);
      await post().type('form').send(query);
      await post()
        .type('json')
        .send(`{"${key}":{"polluted":"zz","prototype":{"polluted":"zz"}},"login":{"${key}":{"polluted":"zz"}}}`);
    }
    await browser.get(`/users/auth/${encodeURIComponent(key)}`);
    await browser.post(`/users/auth/${encodeURIComponent(key)}`).set('X-CSRF-Token', token);
  }
  const profile = `{"__proto__":{"polluted":"zz"},"constructor":{"prototype":{"polluted":"zz"}}}`;
  sandbox.override('alice', {
    user: { text: profile },
    emails: { text: `{"values":[${profile}],"__proto__":${profile}}` },
  });
  expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(502);
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  expect(JSON.stringify({ ...({} as { polluted?: unknown }) })).toBe('{}');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  const me = await browser.get('/api/v4/user');
  expect(me.status).toBe(401);
  expect(me.text).not.toMatch(/polluted|zz/);
  expect((await browser.get('/users/sign_in').expect(200)).text).not.toMatch(/polluted|zz/);
});

const LONG = 50_000;
const PIECES = [
  'a',
  ' ',
  '@',
  'a@',
  'a.',
  '.',
  '/',
  '//',
  '/..',
  '%',
  '%2f',
  '-',
  'a-',
  '\u0301',
  '\u200d',
  '(',
  '"',
  '\\',
  '=',
  '&',
  ',',
  ';',
  '0',
  ':',
  '\t',
];
/** So long that a pattern which goes back and forth does not end today, and with an end that does not fit. */
const probesEndingIn = (end: string) => PIECES.map((piece) => piece.repeat(LONG / piece.length) + end);

test('50 kB of what slow patterns are slow with is answered in every text field (HT-018)', async () => {
  const { app } = await startBoth({ yaml: NO_LIMITS });
  const { browser, token } = await arrive(app);
  const wrong: string[] = [];
  for (const probe of probesEndingIn('!')) {
    for (const name of ['login', 'password', 'return_to', 'remember_me', '_csrf']) {
      const answer = await browser
        .post('/users/sign_in')
        .set('X-CSRF-Token', token)
        .send({ ...GOOD, [name]: probe });
      if (answer.status >= 500) wrong.push(`${name} ${probe.slice(0, 5)}: ${answer.status}`);
    }
    // Addresses and headers end at 16 kB.
    const short = encodeURIComponent(probe.slice(0, 1500)).slice(0, 12_000);
    for (const name of ['return_to', 'state', 'code', 'error']) {
      const path = name === 'return_to' ? '/users/sign_in' : '/users/auth';
      const answer = await browser.get(`${path}?${name}=${short}`);
      if (answer.status >= 500) wrong.push(`${name} ${probe.slice(0, 5)}: ${answer.status}`);
    }
    const value = probe
      .slice(0, 4000)
      .replace(/[^ -~]/g, 'a')
      .trim();
    const answer = await browser.get('/nothing').set({ Accept: value, 'X-Forwarded-For': value, Purpose: value });
    if (answer.status !== 404) wrong.push(`headers ${probe.slice(0, 5)}: ${answer.status}`);
  }
  expect(wrong).toEqual([]);
});

test('50 kB of the same as a name or address at Bitbucket is answered as well (HT-018)', async () => {
  const { app, sandbox } = await startBoth({ yaml: NO_LIMITS });
  const uuid = '{0b9f1d52-6c3e-4f7a-8a11-c0ffee000018}';
  for (const probe of probesEndingIn('@example.test')) {
    sandbox.override('alice', {
      user: {
        json: {
          type: 'user',
          uuid,
          username: probe,
          nickname: probe,
          display_name: probe,
          links: { avatar: { href: probe } },
        },
      },
      emails: { json: { values: [{ email: probe, is_primary: true, is_confirmed: true }] } },
    });
    expect((await signInWithBitbucket(openBrowser(app), sandbox)).status).toBe(303);
  }
});

test('floods of route parameters are answered with 404 (HT-019)', async () => {
  const { app } = await startBoth();
  const browser = openBrowser(app);
  for (const piece of ['a-', '-', 'a', '%2f', ':', '.', '(', '*', '%61', 'a/', '/', '../', ';a=']) {
    const flood = piece.repeat(Math.floor(12_000 / piece.length));
    for (const path of [
      `/users/auth/${flood}`,
      `/users/${flood}`,
      `/api/v4/${flood}`,
      `/assets/${flood}.css`,
      `/${flood}`,
    ]) {
      expect([path.slice(0, 20), (await browser.get(path)).status]).toEqual([path.slice(0, 20), 404]);
    }
  }
});

test('50,000 keys are more than is read, and as many as fit are read (HT-017)', async () => {
  const { app } = await startBoth();
  const { browser, token } = await arrive(app);
  // Numbers as keys: their hashes can be chosen, whatever the seed of the process.
  const keys = (count: number) => Array.from({ length: count }, (_, at) => String(2 ** 24 + at * 1024));
  const post = (type: string, body: string) =>
    browser.post('/users/sign_in').set('X-CSRF-Token', token).type(type).send(body);
  const json = (count: number) =>
    `{${keys(count)
      .map((key) => `"${key}":1`)
      .join()}}`;
  const form = (count: number) =>
    keys(count)
      .map((key) => `${key}=1`)
      .join('&');
  expect((await post('json', json(50_000))).status).toBe(413);
  expect((await post('form', form(50_000))).status).toBe(413);
  expect((await post('form', form(201))).status).toBe(413);
  expect((await post('json', json(7_000))).status).toBe(400); // read, and has no login
  expect((await post('form', form(200))).status).toBe(400);
  expect((await browser.get(`/users/sign_in?${form(1_000)}`)).status).toBe(200);
  await browser.get(`/users/sign_in?${form(50_000)}`).then(
    ({ status }) => expect(status).toBe(431),
    (error: NodeJS.ErrnoException) => expect(['EPIPE', 'ECONNRESET']).toContain(error.code), // cut off while still sending
  );
});
