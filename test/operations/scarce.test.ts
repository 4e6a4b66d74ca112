// Little of everything: no room for the log, nobody who reads it, hardly any file descriptors.
import { execFileSync } from 'node:child_process';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { freePort, start } from '../commands/run.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { command, describeWith, linux, pathOfCommand } from './needs.ts';
import { configure, openSandbox, PUBLIC_URL, ROOT_PASSWORD, startNode, untilWithin, wait } from './nodes.ts';
import { Visitor } from './visitor.ts';

async function expectServed(visitor: Visitor, sandbox: Awaited<ReturnType<typeof openSandbox>>): Promise<void> {
  const browser = visitor.newBrowser();
  expect((await browser.signIn(sandbox)).status).toBe(303);
  expect(await browser.whoAmI()).toBe('alice');
  expect((await browser.signOut()).status).toBe(303);
}

/** More connections than the process may have open, with half a request in each. */
async function holdConnections(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\n'));
    return socket.on('error', () => undefined);
  });
  closeAtEnd(() => sockets.forEach((socket) => socket.destroy()));
  await wait(500);
  return sockets;
}

/** For a server whose log nobody sees. */
function isThere(visitor: Visitor): Promise<boolean> {
  return visitor.get('/-/health').then(
    () => true,
    () => false,
  );
}

describeWith([linux], 'a log that cannot be written', () => {
  test.each([
    ['on a full disk', 'exec > /dev/full 2> /dev/full;'],
    ['because it was closed', 'exec > /dev/null >&- 2>&-;'],
  ])('%s: the server goes on (R-16, LG-006)', async (_how, before) => {
    const sandbox = await openSandbox();
    const port = await freePort();
    const env = { PORT: String(port), GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD };
    const node = start(configure(sandbox), ['serve'], env, { before });
    const visitor = new Visitor({ url: PUBLIC_URL, port });
    await untilWithin(15_000, () => isThere(visitor));
    await expectServed(visitor, sandbox);
    expect(node.code).toBeNull();
    node.process.kill('SIGTERM');
    expect((await node.ended).code).toBe(0);
  });
});

test('a reader of the log that goes away does not take the server with it (R-16, LG-006)', async () => {
  const sandbox = await openSandbox();
  const port = await freePort();
  const node = await startNode(configure(sandbox), port);
  node.process.stdout?.destroy();
  node.process.stderr?.destroy();
  await expectServed(new Visitor({ url: PUBLIC_URL, port }), sandbox);
  expect(node.process.exitCode).toBeNull();
});

describeWith([command('prlimit')], 'a process that may open 256 files', () => {
  test('survives three hundred connections and serves again as soon as they are gone (R-17)', async () => {
    const sandbox = await openSandbox();
    const port = await freePort();
    const node = await startNode(configure(sandbox), port);
    // From now on: loading hundreds of modules at once takes more than that for a moment.
    execFileSync(pathOfCommand('prlimit'), ['--pid', String(node.process.pid), '--nofile=256:256']);
    const visitor = new Visitor({ url: PUBLIC_URL, port });
    await expectServed(visitor, sandbox);
    for (let round = 0; round < 2; round += 1) {
      const sockets = await holdConnections(port, 300);
      await visitor.get('/users/sign_in').catch(() => undefined); // may be closed at once
      for (const socket of sockets) socket.destroy();
      await untilWithin(5000, () =>
        visitor.get('/-/readiness').then(
          ({ status }) => status === 200,
          () => false,
        ),
      );
      await expectServed(visitor, sandbox);
    }
    expect(node.code).toBeNull();
  });
});

test('a reader of the log who has stopped reading neither stops the server nor keeps it from ending (LG-006)', async () => {
  const sandbox = await openSandbox();
  const port = await freePort();
  const env = { PORT: String(port), GATEHOUSE_ROOT_PASSWORD: ROOT_PASSWORD };
  const before = 'mkfifo unread; exec 3<> unread; exec > unread;';
  const node = start(configure(sandbox), ['serve'], env, { before });
  const visitor = new Visitor({ url: PUBLIC_URL, port });
  await untilWithin(15_000, () => isThere(visitor));
  for (let lines = 0; lines < 600; lines += 1) await visitor.get('/users/sign_in'); // more than a pipe holds
  await expectServed(visitor, sandbox);
  node.process.kill('SIGTERM');
  expect((await node.ended).code).toBe(0);
});
