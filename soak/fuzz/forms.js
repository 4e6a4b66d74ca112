// What the pages of signing in are sent: forms, wishes for a page to come back to, and answers that Bitbucket never gave.
import { FORM, request, someCookie, TYPES } from './request.js';
import { encoded, oddTarget, oddText, oneLine } from './strings.js';

const FIELDS = 'login password remember_me return_to _csrf state code error error_description iss scope'.split(' ');

export function signInPage(random, world) {
  const wish = encoded(random, oddTarget(random));
  const more = random.chance(0.2) ? `&${oddQuery(random)}` : '';
  return request(random, world, { kind: 'sign-in page', path: `/users/sign_in?return_to=${wish}${more}` });
}

/** Answers of Bitbucket that it never gave, now and then to a sign-in that is really under way. */
export function callback(random, world) {
  const { cookie, state } =
    world.states.length > 0 && random.chance(0.3)
      ? random.pick(world.states)
      : { cookie: someCookie(random, world), state: oddText(random) };
  const parts = [];
  if (random.chance(0.8))
    parts.push(
      `state=${random.chance(0.2) ? encoded(random, oddText(random)) : encodeURIComponent(state.toWellFormed())}`,
    );
  if (random.chance(0.8)) parts.push(`code=${encoded(random, oddText(random))}`);
  if (random.chance(0.2))
    parts.push(`error=${encoded(random, random.pick(['access_denied', 'server_error', oddText(random)]))}`);
  if (random.chance(0.3)) parts.push(oddQuery(random));
  const path = `/users/auth${random.chance(0.05) ? random.pick(['/', '/bitbucket', '//', '.json', '%2f', ';a']) : ''}?${parts.join('&')}`;
  return request(random, world, { kind: 'callback', path, cookie });
}

export function form(random, world) {
  const { cookie, csrf } = random.pick(world.browsers);
  const token = random.chance(0.8) ? csrf : oddText(random);
  const path = random.pick([
    '/users/sign_in',
    '/users/sign_in',
    '/users/sign_in',
    '/users/sign_out',
    '/',
    '/users/auth',
  ]);
  const type = random.chance(0.8) ? FORM : random.pick(TYPES);
  const body = type === 'application/json' || random.chance(0.1) ? oddJson(random, token) : oddForm(random, token);
  const headers = [`Content-Type: ${body.startsWith('{') && type === FORM ? 'application/json' : type}`];
  if (random.chance(0.05)) headers.push(`Content-Encoding: ${random.pick(['gzip', 'br', 'identity', 'zz'])}`);
  if (random.chance(0.1)) headers.push(`X-CSRF-Token: ${oneLine(oddText(random))}`);
  return request(random, world, { kind: 'form', method: 'POST', path, cookie, headers, body });
}

export function start(random, world) {
  const { cookie, csrf } = random.pick(world.browsers);
  const name = random.chance(0.3) ? 'bitbucket' : encoded(random, oddText(random)).replace(/[\s/?#]/g, '%20');
  const token = random.chance(0.7) ? csrf : oddText(random);
  const body = `_csrf=${encodeURIComponent(token.toWellFormed())}&return_to=${encoded(random, oddTarget(random))}`;
  return request(random, world, {
    kind: 'start',
    method: 'POST',
    path: `/users/auth/${name}`,
    cookie,
    headers: [`Content-Type: ${FORM}`],
    body,
  });
}

/** A password that is checked costs tens of milliseconds, so nearly all of these are too long or no text at all. */
function oddForm(random, token) {
  const fields = [`_csrf=${encodeURIComponent(token.toWellFormed())}`, `login=${encoded(random, oddText(random))}`];
  if (random.chance(0.004)) fields.push('password=wrong');
  else
    fields.push(
      random.pick(['password=', 'password[]=a', 'password=a&password=b', `password=${'p'.repeat(1100)}`, 'passwort=a']),
    );
  if (random.chance(0.4)) fields.push(`return_to=${encoded(random, oddTarget(random))}`);
  if (random.chance(0.3)) fields.push(oddQuery(random));
  if (random.chance(0.02)) fields.push('&a=b'.repeat(120));
  if (random.chance(0.01)) fields.push('x'.repeat(110_000));
  return fields.join('&');
}

function oddJson(random, token) {
  const text = JSON.stringify(oddText(random));
  const values = [
    text,
    '1',
    'true',
    'null',
    '[]',
    '{}',
    `[${text}]`,
    `{"__proto__":{"zqpolluted":1}}`,
    '1e999',
    '"\\ud800"',
  ];
  const value = () => random.pick(values);
  return random.weighted([
    [5, `{"_csrf":${JSON.stringify(token)},"login":${value()},"password":[${value()}],"return_to":${value()}}`],
    [2, `{"_csrf":${JSON.stringify(token)},"__proto__":{"zqpolluted":1},"constructor":{"prototype":{"zqpolluted":1}}}`],
    [1, `{"a":`.repeat(2000) + '1' + '}'.repeat(2000)],
    [1, `{"_csrf":${value()},`],
    [1, '['.repeat(5000)],
    [1, `{"_csrf":${JSON.stringify(token)},"login":"a","login":${value()}}\0`],
  ]);
}

export function oddQuery(random) {
  return Array.from({ length: 1 + random.int(4) }, () => `${oddName(random)}=${encoded(random, oddText(random))}`).join(
    '&',
  );
}

function oddName(random) {
  const name = random.chance(0.7) ? random.pick(FIELDS) : encodeURIComponent(oddText(random).toWellFormed());
  return (
    name +
    random.pick([
      '',
      '',
      '',
      '[]',
      '[a]',
      '[__proto__][zqpolluted]',
      '[0]',
      '.length',
      '[constructor][prototype][zqpolluted]',
    ])
  );
}
