// Where the sandbox can be reached.
import { startSandbox } from '../../src/sandbox/sandbox.ts';
import { CONSUMER, startTestSandbox } from './start-test-sandbox.ts';

const sandbox = startTestSandbox();

it('has two origins on one port, and its pages of the first are not at the second', async () => {
  expect(sandbox().url).toBe(`http://127.0.0.1:${sandbox().port}/`);
  expect(sandbox().signInUrl).toBe(`http://localhost:${sandbox().port}/`);
  expect((await fetch(`${sandbox().signInUrl}login`)).status).toBe(200);
  expect((await fetch(`${sandbox().url}login`)).status).toBe(404);
  expect((await fetch(`${sandbox().signInUrl}api/2.0/user`)).status).toBe(404);
});

it('says so when the port is taken', async () => {
  await expect(startSandbox({ consumers: [CONSUMER], port: sandbox().port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
});

it('takes its own port again after closing', async () => {
  const { port } = sandbox();
  await sandbox().close();
  const again = await startSandbox({ consumers: [CONSUMER], port });
  expect(again.port).toBe(port);
  await again.close();
});

it('does not change the options it was given', async () => {
  sandbox().consumers.length = 0;
  sandbox().person('alice').emails = [];
  const fresh = await startSandbox({ consumers: [CONSUMER] });
  expect(fresh.consumers).toEqual([CONSUMER]);
  expect(fresh.person('alice').emails).toHaveLength(2);
  await fresh.close();
});

it('keeps the last thousand requests', async () => {
  sandbox().requests.push(...Array.from({ length: 1000 }, () => ({}) as never));
  await fetch(sandbox().url);
  expect(sandbox().requests).toHaveLength(1000);
  expect(sandbox().requests.at(-1)).toMatchObject({ route: 'other', path: '/' });
});
