// The example application, as it stands, through a whole sign-in at the sandbox.
import type { Server } from 'node:net';
import request from 'supertest';
import { startSandbox, type Sandbox } from '../../src/sandbox/sandbox.ts';
import { freePort } from '../commands/run.ts';
import { setVariables } from '../support/environment-variables.ts';

let sandbox: Sandbox;
let server: Server;
let putBack: () => void;

beforeAll(async () => {
  const port = await freePort();
  const callbackUrl = `http://localhost:${port}/users/auth`;
  const consumer = { key: 'key', secret: 'secret', permissions: ['account', 'email'], callbackUrl };
  sandbox = await startSandbox({ consumers: [consumer] });
  const settings = { BITBUCKET_URL: sandbox.url, BITBUCKET_APP_KEY: 'key', BITBUCKET_APP_SECRET: 'secret' };
  putBack = setVariables({ ...settings, PORT: String(port) });
  ({ server } = await import('../../examples/express-app.ts'));
});

afterAll(async () => {
  putBack();
  server.close();
  await sandbox.close();
});

test('signs a person in, and nobody before', async () => {
  const browser = request.agent(server);
  expect((await browser.get('/').expect(200)).text).toMatch(/Sign in with Bitbucket/);

  const start = await browser.post('/users/auth/bitbucket').expect(302);
  const callback = new URL(await sandbox.decide(start.headers['location'] as string, { as: 'alice' }));
  await browser
    .get(callback.pathname + callback.search)
    .expect(302)
    .expect('location', '/');

  const alice = sandbox.person('alice');
  expect((await browser.get('/').expect(200)).body).toEqual({ uuid: alice.uuid, name: alice.displayName });
});

test('a person who says no is back where they were', async () => {
  const browser = request.agent(server);
  const start = await browser.post('/users/auth/bitbucket').expect(302);
  const how = { as: 'alice', decision: 'cancel' } as const;
  const callback = new URL(await sandbox.decide(start.headers['location'] as string, how));
  await browser
    .get(callback.pathname + callback.search)
    .expect(302)
    .expect('location', '/');
  expect((await browser.get('/').expect(200)).text).toMatch(/Sign in with Bitbucket/);
});

test('does not start from a link or from another site', async () => {
  await request(server).get('/users/auth/bitbucket').expect(404);
  await request(server).post('/users/auth/bitbucket').set('sec-fetch-site', 'cross-site').expect(403);
});
