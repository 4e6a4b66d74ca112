// The log of a real process when nobody can take it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import request from 'supertest';
import { makeDataDir } from '../support/at-end.ts';
import { freePort, start } from './run.ts';

test('a server whose log nobody reads any more goes on serving (LG-006)', async () => {
  const port = await freePort();
  const cwd = makeDataDir();
  mkdirSync(join(cwd, 'config'));
  writeFileSync(join(cwd, 'config/gatehouse.yml'), `listen: { port: ${port} }\n`, { mode: 0o600 });
  const server = start(cwd, ['serve']);
  await server.says('Gatehouse is ready');
  server.process.stdout?.destroy();
  server.process.stderr?.destroy();
  const url = `http://localhost:${port}`;
  for (let count = 0; count < 20; count += 1) {
    await request(url).get('/users/sign_in').expect(200);
    await request(url).get('/nothing').expect(404);
  }
  expect(server.process.exitCode).toBeNull();
  await request(url).get('/-/health').expect(200);
});
