// A stand-in for Bitbucket that costs next to nothing and agrees at once. It keeps no state: a code names its person.
// A message can make it slow ({ delayMs }) or cut off whatever the server asks ({ down: true }).
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers';
import { URLSearchParams } from 'node:url';

let mood = { delayMs: 0, down: false };
const PADDING = 'x'.repeat(2000); // Bitbucket's tokens are that long

const server = createServer((req, res) => {
  const url = new URL(req.url, 'http://bitbucket.invalid');
  switch (url.pathname) {
    case '/site/oauth2/authorize':
      return consent(url, req, res);
    case '/site/oauth2/access_token':
      return readForm(req, (form) => sendToken(form, res));
    case '/api/2.0/user':
      return sendUser(personOfToken(req), res);
    case '/api/2.0/user/emails':
      return sendEmails(personOfToken(req), res);
    default:
      return send(res, 404, {});
  }
});

function consent(url, req, res) {
  const person = /\bperson=(\d+)/.exec(req.headers.cookie)[1];
  const { redirect_uri: redirectUri, state } = Object.fromEntries(url.searchParams);
  const answer = new URLSearchParams({ code: `code-${person}`, state });
  res.writeHead(302, { Location: `${redirectUri}?${answer}`, 'Content-Length': 0 }).end();
}

function sendToken(form, res) {
  const person = /^code-(\d+)$/.exec(form.get('code'))?.[1];
  if (person === undefined || !form.get('code_verifier')) return send(res, 400, { error: 'invalid_grant' });
  send(res, 200, {
    access_token: `token-${person}-${PADDING}`,
    refresh_token: `refresh-${person}-${PADDING}`,
    scope: 'account email',
    expires_in: 3600,
    token_type: 'Bearer',
  });
}

function sendUser(person, res) {
  const uuid = `{00000000-0000-4000-8000-${Number(person).toString(16).padStart(12, '0')}}`;
  const href = 'https://bitbucket.example/';
  send(res, 200, {
    type: 'user',
    uuid,
    account_id: `557058:${person}`,
    username: `person-${person}`,
    nickname: `person-${person}`,
    display_name: `Person ${person}`,
    created_on: '2020-01-01T00:00:00.000000+00:00',
    links: { avatar: { href }, html: { href }, self: { href }, repositories: { href } },
  });
}

function sendEmails(person, res) {
  const email = `person-${person}@example.com`;
  send(res, 200, {
    values: [{ type: 'email', email, is_primary: true, is_confirmed: true }],
    pagelen: 100,
    size: 1,
    page: 1,
  });
}

function personOfToken(req) {
  return /^Bearer token-(\d+)-/.exec(req.headers.authorization)[1];
}

function readForm(req, done) {
  let text = '';
  req.setEncoding('latin1').on('data', (chunk) => (text += chunk));
  req.on('end', () => done(new URLSearchParams(text)));
}

function send(res, status, value) {
  const body = JSON.stringify(value);
  const answer = () =>
    res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length }).end(body);
  if (mood.down) res.destroy();
  else if (mood.delayMs > 0) setTimeout(answer, mood.delayMs);
  else answer();
}

server.keepAliveTimeout = 300_000;
server.headersTimeout = 0; // a browser may take its time between two visits
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}/` }));
process.on('message', (message) => (mood = { ...mood, ...message }));
process.on('disconnect', () => process.exit());
