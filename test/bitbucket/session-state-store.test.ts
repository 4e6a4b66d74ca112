// The default state store: several flows in a session, each for ten minutes and for one use.
import type { Request } from 'express';
import { SessionStateStore } from '../../src/bitbucket/session-state-store.ts';

const meta = {
  authorizationURL: 'https://bitbucket.org/site/oauth2/authorize',
  tokenURL: 'https://bitbucket.org/site/oauth2/access_token',
  clientID: 'key',
  callbackURL: 'http://localhost:3000/users/auth',
};

function startClock() {
  const clock = { now: 0 };
  return { clock, store: new SessionStateStore('flows', () => clock.now) };
}

const withSession = (session: object | undefined) => ({ session }) as unknown as Request;

const begin = (store: SessionStateStore, req: Request, verifier = 'verifier') =>
  new Promise<string>((resolve, reject) => {
    store.store(req, verifier, { n: 1 }, meta, (error, handle) => (handle ? resolve(handle) : reject(error)));
  });

const end = (store: SessionStateStore, req: Request, handle: string, under = meta) =>
  new Promise<unknown>((resolve, reject) => {
    store.verify(req, handle, under, (error, verifier) => (error ? reject(error) : resolve(verifier)));
  });

test('gives the verifier back, once', async () => {
  const { store } = startClock();
  const req = withSession({});
  const handle = await begin(store, req);
  expect([await end(store, req, handle), await end(store, req, handle)]).toEqual(['verifier', false]);
});

test('several tabs do not disturb each other (CB-015)', async () => {
  const { store } = startClock();
  const req = withSession({});
  const [a, b] = [await begin(store, req, 'a'), await begin(store, req, 'b')];
  expect([await end(store, req, b), await end(store, req, a)]).toEqual(['b', 'a']);
});

test('of 50 flows the newest ten are kept, in a session of less than 8 kB (CB-016)', async () => {
  const { store } = startClock();
  const session = {};
  const handles: string[] = [];
  for (let i = 0; i < 50; i += 1) handles.push(await begin(store, withSession(session), 'v'.repeat(128)));

  expect(JSON.stringify(session).length).toBeLessThan(8000);
  expect(await end(store, withSession(session), handles[39]!)).toBe(false);
  expect(await end(store, withSession(session), handles[40]!)).toBe('v'.repeat(128));
  expect(await end(store, withSession(session), handles[49]!)).toBe('v'.repeat(128));
});

test('a flow lives ten minutes (CB-011, CB-012)', async () => {
  const { store, clock } = startClock();
  const req = withSession({});
  const [first, second] = [await begin(store, req), await begin(store, req)];
  clock.now = 599_000;
  expect(await end(store, req, first)).toBe('verifier');
  clock.now = 600_000;
  expect(await end(store, req, second)).toBe(false);
});

test('two copies of one session, as two requests at once load them, yield one flow (CB-010)', async () => {
  const { store } = startClock();
  const session = {};
  const handle = await begin(store, withSession(session));
  const copies = [structuredClone(session), structuredClone(session)].map(withSession);
  expect(await Promise.all(copies.map((copy) => end(store, copy, handle)))).toEqual(['verifier', false]);
});

test.each([
  { clientID: 'other' },
  { authorizationURL: 'https://evil.example/' },
  { callbackURL: 'https://x.example/' },
])('a state made under other conditions than %j is refused, and stays good under its own (CB-033)', async (change) => {
  const { store } = startClock();
  const req = withSession({});
  const handle = await begin(store, req);
  expect(await end(store, req, handle, { ...meta, ...change })).toBe(false);
  expect(await end(store, req, handle)).toBe('verifier');
});

test('neither the session nor anything else holds a state that could be sent', async () => {
  const { store } = startClock();
  const session = {};
  const handle = await begin(store, withSession(session));
  expect(JSON.stringify([session, store])).not.toContain(handle);
});

test('10,000 states differ and show no order (CB-047)', async () => {
  const { store } = startClock();
  const handles: string[] = [];
  for (let i = 0; i < 10_000; i += 1) handles.push(await begin(store, withSession({})));
  expect(new Set(handles).size).toBe(10_000);
  expect(handles.slice(0, 20)).not.toEqual(handles.slice(0, 20).sort());
});

test('without a session it says what is missing', async () => {
  const { store } = startClock();
  await expect(begin(store, withSession(undefined))).rejects.toThrow('express-session');
  await expect(end(store, withSession(undefined), 'x')).rejects.toThrow('express-session');
});
