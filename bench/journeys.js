// What people do, step by step, each answer checked: figures made of errors would mean nothing.
import { headerOf, withCookies } from './connection.js';

/** @typedef {{ site: Connection, bitbucket: Connection, person: number }} Browser */

/** The page, the click, consent at Bitbucket, the way back, and who am I. @returns the cookies of the session */
export async function signIn({ site, bitbucket, person }) {
  let { cookie, csrf } = await openForm(site);
  const start = await site.post('/users/auth/bitbucket', cookie, `_csrf=${csrf}&return_to=`);
  cookie = withCookies(cookie, checked(start, [302], 'the start').head);

  // Bitbucket knows by its own cookie who sits at this browser.
  const consent = await bitbucket.get(pathOf(headerOf(start.head, 'location')), `person=${person}`);
  const back = pathOf(headerOf(checked(consent, [302], 'Bitbucket').head, 'location'));

  const callback = checked(await site.get(back, cookie), [302, 303], 'the callback');
  cookie = withCookies(cookie, callback.head);
  await whoAmI({ site, person, cookie });
  return cookie;
}

/** Opens the sign-in page. @returns the cookies it sets, and the token its forms hold */
export async function openForm(site) {
  const page = checked(await site.get('/users/sign_in'), [200], 'the sign-in page');
  return { cookie: withCookies('', page.head), csrf: csrfOf(page.body) };
}

export function csrfOf(page) {
  return /name="_csrf" value="([^"]*)"/.exec(page)?.[1] ?? '';
}

export async function whoAmI({ site, person, cookie }) {
  const answer = checked(await site.get('/api/v4/user', cookie), [200], 'GET /api/v4/user');
  if (answer.body.includes(`"username":"person-${person}"`)) return;
  throw new Error(`signed in as somebody else than person-${person}: ${answer.body}`);
}

/** By somebody who has never been here before. */
export async function openPage({ site }) {
  const answer = checked(await site.get('/users/sign_in'), [200], 'the sign-in page');
  if (!answer.body.includes('Sign in with')) throw new Error(`not a sign-in page: ${answer.body}`);
}

function checked(answer, statuses, what) {
  if (statuses.includes(answer.status)) return answer;
  throw new Error(`${what} answered ${answer.status}: ${answer.head}${answer.body.slice(0, 1000)}`);
}

function pathOf(address) {
  const { pathname, search } = new URL(address);
  return pathname + search;
}
