// The samples of docs/ in front of Gatehouse: people sign in through them, and a proxy is believed no more than it must be.
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { providerYaml } from '../support/provider.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';
import type { Front, StartFront } from './fronts.ts';
import { readBlocks, readSample, startCaddy, startNginx } from './fronts.ts';
import type { Need } from './needs.ts';
import { command, describeWith, linux } from './needs.ts';
import { openSandbox, PUBLIC_URL, SESSION_COOKIE } from './nodes.ts';
import { Visitor } from './visitor.ts';

/** Not the proxy's address, so that the two are told apart. */
const VISITOR = '127.0.0.2';
const FORGED = '203.0.113.66';

interface Scene {
  app: TestApp;
  sandbox: Sandbox;
  front: Front;
  alice: Visitor;
}

interface Kind {
  name: string;
  need: Need;
  start: StartFront;
  sample: string;
  /** The whole configuration for an address with a path. */
  belowPath: () => string;
  pathUrl: string;
}

const KINDS: Kind[] = [
  {
    name: 'nginx',
    need: command('nginx'),
    start: startNginx,
    sample: readSample('nginx.conf'),
    // The sample with other locations, as the page says.
    belowPath: () => {
      const [locations = ''] = readBlocks('reverse-proxies.md', 'Below a path', 'nginx');
      return readSample('nginx.conf').replace(/^ {4}location \/ \{.*?^ {4}\}\n/ms, locations);
    },
    pathUrl: `${PUBLIC_URL}/gate`,
  },
  {
    name: 'Caddy',
    need: command('caddy'),
    start: startCaddy,
    sample: readSample('Caddyfile'),
    belowPath: () => readBlocks('reverse-proxies.md', 'Below a path', 'caddyfile').join('\n'),
    pathUrl: 'https://example.com/gate',
  },
];

async function setTheScene(
  kind: Kind,
  config = kind.sample,
  { url = PUBLIC_URL, trusted = '[127.0.0.1]' } = {},
): Promise<Scene> {
  const sandbox = await openSandbox();
  sandbox.consumers[0]!.callbackUrl = `${url}/users/auth`;
  const yaml = `${providerYaml(sandbox)}trusted_proxies: ${trusted}\nmonitoring: { allow: [127.0.0.1] }\n`;
  const app = await startApp({ externalUrl: url, yaml });
  const front = await kind.start(config, [app.port]);
  return { app, sandbox, front, alice: new Visitor({ url, port: front.port, tls: true, from: VISITOR }) };
}

function addressesIn({ log }: TestApp): unknown[] {
  const lines = log.map((line) => JSON.parse(line) as { msg: string; address?: string });
  return [...new Set(lines.filter(({ msg }) => msg === 'request').map(({ address }) => address))];
}

for (const kind of KINDS) {
  describeWith([kind.need, linux], `${kind.name} in front`, () => {
    test('people sign in and out, with cookies for https only although no header says that this is https', async () => {
      const { app, sandbox, alice, front } = await setTheScene(kind);
      // A proxy that knows nothing of X-Forwarded-Proto lets pass whatever somebody sends.
      const callback = await alice.signIn(sandbox, 'alice', { 'x-forwarded-proto': 'http' });
      expect(callback).toMatchObject({ status: 303, headers: { location: '/' } });
      for (const line of callback.headers['set-cookie'] ?? []) expect(line).toMatch(/^__Host-.*; Secure/);
      expect(alice.cookie(SESSION_COOKIE)).toBeDefined();
      expect(await alice.whoAmI()).toBe('alice');
      expect((await alice.signOut()).status).toBe(303);
      expect(await alice.whoAmI()).toBe(401);
      expect(addressesIn(app)).toEqual([VISITOR]);
      const plain = await new Visitor({ url: 'http://gatehouse.example.com', port: front.plainPort }).get(
        '/users/sign_in',
      );
      expect(plain.status).toBeGreaterThanOrEqual(301);
      expect(plain.headers.location).toMatch(/^https:\/\/gatehouse\.example\.com(:\d+)?\/users\/sign_in$/);
    });

    test('a forged X-Forwarded-For is not believed: not from the visitor, and not around the proxy', async () => {
      const { app, alice } = await setTheScene(kind);
      await alice.get('/users/sign_in', { 'x-forwarded-for': FORGED });
      await alice.get('/users/sign_in', { 'x-forwarded-for': `127.0.0.1, ${FORGED}`, forwarded: `for=${FORGED}` });
      const around = new Visitor({ url: PUBLIC_URL, port: app.port, from: VISITOR });
      await around.get('/users/sign_in', { 'x-forwarded-for': FORGED });
      expect(addressesIn(app)).toEqual([VISITOR]);
      // Metrics are for this machine, and the visitor is not let in by the proxy's being on it.
      expect((await alice.get('/-/metrics', { 'x-forwarded-for': '127.0.0.1' })).status).toBe(404);
    });

    test('without trusted_proxies everybody seems to come from the proxy, and metrics are for nobody behind it', async () => {
      const { app, alice } = await setTheScene(kind, kind.sample, { trusted: '[]' });
      await alice.get('/users/sign_in', { 'x-forwarded-for': FORGED });
      expect(addressesIn(app)).toEqual(['127.0.0.1']);
      expect((await alice.get('/-/metrics')).status).toBe(404);
    });

    test('below a path people sign in and out, too', async () => {
      const { sandbox, alice, front } = await setTheScene(kind, kind.belowPath(), { url: kind.pathUrl });
      const short = await alice.get('');
      expect([301, 302]).toContain(short.status);
      expect(short.headers.location).toMatch(/\/gate\/$/);
      expect((await alice.signIn(sandbox)).headers.location).toBe('/gate/');
      expect(await alice.whoAmI()).toBe('alice');
      expect((await alice.signOut()).status).toBe(303);
      const outside = new Visitor({ url: new URL(kind.pathUrl).origin, port: front.port, tls: true });
      expect((await outside.get('/users/sign_in')).text).not.toContain('_csrf');
    });
  });
}

describeWith([command('nginx'), linux], 'nginx that serves any name', () => {
  test('passes Host on, and only the name in external_url is served', async () => {
    const { front } = await setTheScene(KINDS[0]!);
    const stranger = new Visitor({ url: 'https://evil.test', port: front.port, tls: true });
    expect((await stranger.get('/users/sign_in')).status).toBe(421);
  });
});

test('the page about reverse proxies shows the samples as they are', () => {
  expect(readBlocks('reverse-proxies.md', 'nginx', 'nginx')).toEqual([KINDS[0]!.sample]);
  expect(readBlocks('reverse-proxies.md', 'Caddy', 'caddyfile')).toEqual([KINDS[1]!.sample]);
});
