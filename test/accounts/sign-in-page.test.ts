// What the sign-in page holds.
import { csrfOf, openBrowser, signInWithBitbucket, signInWithPassword, signOut, startBoth } from '../support/people.ts';
import { startApp } from '../support/start-app.ts';

test('the regular form comes first, then one form per provider with its label', async () => {
  const { app, sandbox } = await startBoth();
  const provider = (name: string, label: string) =>
    `{ name: ${name}, ${label} app_id: k, app_secret: s, url: '${sandbox.url}', args: { strategy: bitbucket } }`;
  app.reconfigure(
    `omniauth: { providers: [${provider('bitbucket', '')}, ${provider('second', "label: 'Our <Bitbucket>',")}] }`,
  );
  const { text } = await openBrowser(app).get('/users/sign_in').expect(200);
  const order = ['name="login"', 'name="password"', 'Sign in with Bitbucket', 'Sign in with Our &lt;Bitbucket&gt;'].map(
    (part) => text.indexOf(part),
  );
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(Math.min(...order)).toBeGreaterThan(0);
  expect(text).toContain('action="/users/auth/bitbucket"');
  expect(text).toContain('action="/users/auth/second"');
  expect(text.match(/name="_csrf"/g)).toHaveLength(3);
  expect(text).toMatch(/<meta name="csrf-token" content="[^"]+">/);
});

test('the regular form is one that password managers know, and takes what is pasted (PW-026)', async () => {
  const app = await startApp();
  const { text } = await openBrowser(app).get('/users/sign_in').expect(200);
  const field = (name: string) => new RegExp(`<input [^>]*name="${name}"[^>]*>`).exec(text)?.[0] ?? '';
  expect(field('login')).toContain('type="text"');
  expect(field('login')).toContain('autocomplete="username"');
  expect(field('login')).toContain('autocapitalize="none"');
  expect(field('password')).toContain('type="password"');
  expect(field('password')).toContain('autocomplete="current-password"');
  expect(`${field('login')}${field('password')}`).not.toMatch(/maxlength|pattern|onpaste|readonly|autocomplete="off"/);
});

test('without a provider the page tells an administrator what to do, with the exact callback', async () => {
  const app = await startApp();
  const { text } = await openBrowser(app).get('/users/sign_in').expect(200);
  expect(text).toContain(`${app.url}/users/auth`);
  expect(text).toContain('BITBUCKET_APP_KEY');
});

test('an icon of the provider is shown, a data URI too', async () => {
  const { app } = await startBoth({ provider: ", icon: 'data:image/svg+xml;base64,PHN2Zy8+'" });
  const { text } = await openBrowser(app).get('/users/sign_in').expect(200);
  expect(text).toContain('src="data:image/svg+xml;base64,PHN2Zy8+"');
});

describe('auto_sign_in_with_provider', () => {
  const omniauth = '  auto_sign_in_with_provider: bitbucket\n';
  const isAutomatic = (text: string) =>
    text.includes('data-auto-submit') && /<script src="\/assets\/auto-sign-in\.[0-9a-f]+\.js"/.test(text);

  test('submits the form by a script of ours, and the button stays', async () => {
    const { app } = await startBoth({ omniauth });
    const { text } = await openBrowser(app).get('/users/sign_in').expect(200);
    expect(isAutomatic(text)).toBe(true);
    expect(text).toContain('Sign in with Bitbucket');
    const script = /src="(\/assets\/auto-sign-in[^"]+)"/.exec(text)?.[1] ?? '';
    await openBrowser(app).get(script).expect(200);
  });

  test('not with ?auto_sign_in=false, not after signing out, not after a failure', async () => {
    const { app, sandbox } = await startBoth({ omniauth });
    const browser = openBrowser(app);
    expect(isAutomatic((await browser.get('/users/sign_in?auto_sign_in=false')).text)).toBe(false);
    expect(isAutomatic((await browser.get('/users/sign_in?other_account=true')).text)).toBe(false);
    expect(isAutomatic((await signInWithPassword(browser, 'root', 'wrong')).text)).toBe(false);
    const failed = await browser.get('/users/auth?code=x&state=y');
    expect(failed.text).toContain('/users/sign_in?auto_sign_in=false');
    await signInWithBitbucket(browser, sandbox);
    await signOut(browser);
    expect(isAutomatic((await browser.get('/users/sign_in')).text)).toBe(false);
    expect(isAutomatic((await browser.get('/users/sign_in')).text)).toBe(false);
  });
});

test('a refusal offers another Bitbucket account, and the page tells how', async () => {
  const { app, sandbox } = await startBoth({ omniauth: '  allow_single_sign_on: false\n' });
  const browser = openBrowser(app);
  const refused = await signInWithBitbucket(browser, sandbox, 'carol', { return_to: '/x' });
  const href =
    /href="([^"]+)"[^>]*>Use another Bitbucket account/.exec(refused.text)?.[1]?.replaceAll('&amp;', '&') ?? '';
  const page = await browser.get(href).expect(200);
  expect(page.text).toContain(`${sandbox.url}account/signout/`);
  expect(page.text).toContain('name="return_to" value="/x"');
  expect(csrfOf(page)).toBeTruthy();
});

test('below a path prefix every address carries it', async () => {
  const { app, sandbox } = await startBoth({ externalUrl: 'http://localhost:<port>/gate' });
  const browser = openBrowser(app);
  const page = await browser.get('/gate/users/sign_in').expect(200);
  const links = [...page.text.matchAll(/(?:href|src|action)="([^"#][^"]*)"/g)].map(([, target]) => target ?? '');
  expect(links.length).toBeGreaterThanOrEqual(5);
  for (const link of links) expect(link).toMatch(/^\/gate\//);
  for (const link of links.filter((target) => target.includes('/assets/'))) await browser.get(link).expect(200);
  const start = await browser
    .post('/gate/users/auth/bitbucket')
    .type('form')
    .send({ _csrf: csrfOf(page) })
    .expect(302);
  const callback = new URL(await sandbox.decide(String(start.headers['location']), { as: 'alice' }));
  expect(callback.pathname).toBe('/gate/users/auth');
  const answer = await browser.get(callback.pathname + callback.search).expect(303);
  expect(answer.headers['location']).toBe('/gate/');
  expect((await browser.get('/gate/api/v4/user').expect(200)).body).toMatchObject({ username: 'alice' });
  expect((await browser.get('/gate').expect(200)).text).toContain('Alice');
  await browser.get('/users/sign_in').expect(404);
  await browser.get('/gate/-/health').expect(200);
  expect((await openBrowser(app).get('/gate/api/v4/user').expect(401)).body).toMatchObject({ code: 'unauthenticated' });
});
