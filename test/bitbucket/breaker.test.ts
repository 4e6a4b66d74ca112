// The circuit breaker: opens on an outage, lets one request try, closes on an answer.
import { createBreaker } from '../../src/bitbucket/breaker.ts';
import { BitbucketFailure } from '../../src/bitbucket/failure.ts';
import type { HttpReply, HttpRequest } from '../../src/bitbucket/http.ts';

const request: HttpRequest = { endpoint: 'token', url: 'https://bitbucket.org/site/oauth2/access_token' };
const reply = (status: number): HttpReply => ({ endpoint: 'token', status, headers: {}, text: '' });
const failure = (reason: 'failed' | 'throttled') => new BitbucketFailure(reason, 'token', 'x');

function start() {
  let time = 1000;
  let asked = 0;
  const breaker = createBreaker(() => time);
  const ask = (answer: HttpReply | BitbucketFailure) =>
    breaker
      .guard(request, async () => {
        asked += 1;
        if (answer instanceof BitbucketFailure) throw answer;
        return answer;
      })
      .then(({ status }) => status)
      .catch((error: BitbucketFailure) => error.detail);
  return { breaker, ask, asked: () => asked, wait: (ms: number) => (time += ms) };
}

test.each([
  ['no answer', failure('failed')],
  ['500', reply(500)],
])('after ten times %s in a row nothing is asked for ten seconds', async (_name, answer) => {
  const { breaker, ask, asked, wait } = start();
  for (let count = 0; count < 10; count += 1) await ask(answer);
  expect(breaker.isOpen('https://bitbucket.org')).toBe(true);
  expect(await ask(reply(200))).toBe('not asked: it has not answered lately');
  expect(asked()).toBe(10);
  wait(10_000);
  expect(breaker.isOpen('https://bitbucket.org')).toBe(false);
  expect(await ask(reply(200))).toBe(200);
  expect(await ask(reply(200))).toBe(200);
});

test('an answer in between, a refusal among them, starts the count anew; our own limit does not count', async () => {
  const { breaker, ask } = start();
  for (let count = 0; count < 9; count += 1) await ask(failure('failed'));
  await ask(reply(400));
  for (let count = 0; count < 9; count += 1) await ask(failure('failed'));
  for (let count = 0; count < 9; count += 1) await ask(failure('throttled'));
  expect(breaker.isOpen('https://bitbucket.org')).toBe(false);
});

test('after the pause one request tries and the others do not wait for it; if it fails the pause begins again', async () => {
  const { breaker, ask, wait } = start();
  for (let count = 0; count < 10; count += 1) await ask(failure('failed'));
  wait(10_000);
  let finish: (value: HttpReply) => void = () => undefined;
  const trying = breaker.guard(request, () => new Promise((resolve) => (finish = resolve)));
  expect(await ask(reply(200))).toBe('not asked: it has not answered lately');
  finish(reply(503));
  expect((await trying).status).toBe(503);
  expect(breaker.isOpen('https://bitbucket.org')).toBe(true);
});

test('origins are told apart', async () => {
  const { breaker, ask } = start();
  for (let count = 0; count < 10; count += 1) await ask(failure('failed'));
  const other = { ...request, url: 'https://api.bitbucket.org/2.0/user' };
  expect((await breaker.guard(other, async () => reply(200))).status).toBe(200);
});
