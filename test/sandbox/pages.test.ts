// The pages, walked through as a browser without scripts would.
import { createHash } from 'node:crypto';
import { CALLBACK, authorizeUrl, startTestSandbox } from './start-test-sandbox.ts';

const sandbox = startTestSandbox();

/** A browser with one cookie jar for the first origin, and none for the second, which sets no cookies. */
function startBrowser() {
  let cookie = '';
  const open = async (url: string, form?: Record<string, string>) => {
    const isFirst = url.startsWith(sandbox().url);
    const headers = { ...(isFirst && { cookie }), ...(form && { origin: new URL(url).origin }) };
    const body = form ? { method: 'POST', body: new URLSearchParams(form) } : {};
    const response = await fetch(url, { redirect: 'manual', headers, ...body });
    const set = response.headers.getSetCookie().map((line) => line.split(';')[0] ?? '');
    if (!isFirst) expect(set).toEqual([]);
    if (set[0] !== undefined) cookie = set[0];
    const location = response.headers.get('location') ?? '';
    return { status: response.status, text: await response.text(), location: location && new URL(location, url).href };
  };
  return { open };
}

type Browser = ReturnType<typeof startBrowser>;
const ticketIn = (text: string) => /name="ticket" value="([^"]+)"/.exec(text)?.[1] ?? '';

/** Signs in through the account page and returns where the first origin goes on. */
async function signIn(browser: Browser, accountPage: string, person: string): Promise<string> {
  const page = await browser.open(accountPage);
  const picked = await browser.open(`${sandbox().signInUrl}login`, { ticket: ticketIn(page.text), person });
  expect(picked.status).toBe(303);
  return (await browser.open(picked.location)).location;
}

async function openConsent(browser: Browser, person = 'alice'): Promise<string> {
  const { location } = await browser.open(authorizeUrl(sandbox()));
  return (await browser.open(await signIn(browser, location, person))).text;
}

const answer = (browser: Browser, page: string, decision: string) =>
  browser.open(`${sandbox().url}site/oauth2/authorize`, { ticket: ticketIn(page), decision });

it('forwards signed-out people to the account page on another host', async () => {
  const { status, location } = await startBrowser().open(authorizeUrl(sandbox()));
  expect(status).toBe(302);
  expect(location).toMatch(new RegExp(`^${sandbox().signInUrl}login\\?continue=`));
});

it('lists everybody with what is special about them', async () => {
  const { text } = await startBrowser().open(`${sandbox().signInUrl}login`);
  for (const person of sandbox().people) expect(text).toContain(`${person.note}</p>`);
  expect(text).toMatch(/>\s*Continue as Alice\s*<\/button>/);
  expect(text).toContain('This is not Bitbucket');
});

it('asks for consent, names application, person and permissions, and returns with a code', async () => {
  const browser = startBrowser();
  const page = await openConsent(browser);
  expect(page).toContain('<h1>Gatehouse asks for access to your account</h1>');
  expect(page).toContain('<strong>Alice Example</strong>');
  expect(page).toContain('<li>Read your e-mail addresses</li>');
  const { status, location } = await answer(browser, page, 'allow');
  expect(status).toBe(303);
  expect(location).toMatch(new RegExp(`^${CALLBACK}\\?code=[^&]+&state=st%2Fa\\+te%261$`));
});

it('does not ask again for what was allowed, unless grants are not remembered', async () => {
  const browser = startBrowser();
  await answer(browser, await openConsent(browser), 'allow');
  expect((await browser.open(authorizeUrl(sandbox()))).location).toContain('code=');
  expect((await browser.open(authorizeUrl(sandbox(), { scope: 'account pullrequest' }))).status).toBe(200);
  sandbox().switches.rememberGrants = false;
  expect((await browser.open(authorizeUrl(sandbox()))).status).toBe(200);
});

it('returns with access_denied when cancelled', async () => {
  const browser = startBrowser();
  expect((await answer(browser, await openConsent(browser), 'cancel')).location).toContain('error=access_denied');
});

it('lets the person use another account', async () => {
  const browser = startBrowser();
  const { location } = await answer(browser, await openConsent(browser), 'switch');
  const page = await browser.open(await signIn(browser, location, 'bob'));
  expect(page.text).toContain('<strong>Bob Builder</strong>');
});

it('signs out on the start page', async () => {
  const browser = startBrowser();
  await answer(browser, await openConsent(browser), 'allow');
  const start = await browser.open(sandbox().url);
  expect(start.text).toContain('signed in here as <strong>Alice Example</strong>');
  await browser.open(`${sandbox().url}sandbox/sign-out`, { ticket: ticketIn(start.text) });
  expect((await browser.open(authorizeUrl(sandbox()))).location).toContain(sandbox().signInUrl);
});

it('takes each form and each handover once', async () => {
  const browser = startBrowser();
  const page = await openConsent(browser);
  await answer(browser, page, 'allow');
  expect((await answer(browser, page, 'allow')).status).toBe(400);
  expect((await browser.open(`${sandbox().url}sandbox/signed-in?ticket=made-up`)).status).toBe(400);
});

it('refuses the consent form of another browser and of another site', async () => {
  const [mine, other] = [startBrowser(), startBrowser()];
  const page = await openConsent(mine);
  await openConsent(other, 'bob');
  expect((await answer(other, page, 'allow')).status).toBe(400);
  const response = await fetch(`${sandbox().url}site/oauth2/authorize`, {
    method: 'POST',
    headers: { origin: 'http://evil.test' },
    body: new URLSearchParams({ decision: 'allow' }),
  });
  expect(response.status).toBe(403);
});

it('goes on to its own pages only', async () => {
  const browser = startBrowser();
  const accountPage = `${sandbox().signInUrl}login?continue=${encodeURIComponent('//evil.test/')}`;
  expect(await signIn(browser, accountPage, 'alice')).toBe(sandbox().url);
});

it('escapes names and application names', async () => {
  sandbox().person('alice').displayName = '<img src=x onerror=alert(1)>';
  const page = await openConsent(startBrowser());
  expect(page).toContain('&lt;img src=x');
  expect(page).not.toContain('<img');
});

it('lets its own stylesheet through its content security policy', async () => {
  const response = await fetch(`${sandbox().signInUrl}login`);
  const style = /<style>([^]*)<\/style>/.exec(await response.text())?.[1] ?? '';
  const hash = createHash('sha256').update(style).digest('base64');
  expect(response.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`);
});
