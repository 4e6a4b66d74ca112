// Bitbucket behind a certificate that is not what it should be. The good one in the same run shows that the authority is
// believed, so that what is refused is refused for the reason that is named.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { authority, certificates, key } from '../bitbucket/certificates.ts';
import { selfSigned } from '../bitbucket/self-signed.ts';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';
import { run } from './run.ts';

/** Node refuses to serve such things unless it is told that nothing matters. */
const ANYTHING = { ciphers: 'DEFAULT@SECLEVEL=0' };
const KINDS: Record<string, ServerOptions> = {
  good: { key, cert: certificates.good },
  'other-name': { key, cert: certificates.otherName },
  expired: { key, cert: certificates.expired },
  'self-signed': selfSigned,
  sha1: { key, cert: certificates.sha1, ...ANYTHING },
  tls10: { key, cert: certificates.good, minVersion: 'TLSv1', maxVersion: 'TLSv1', ...ANYTHING },
  tls11: { key, cert: certificates.good, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ...ANYTHING },
};

async function listen(options: ServerOptions, asked: () => void): Promise<string> {
  const server = createServer(options, (_request, response) => {
    asked();
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"invalid_client"}');
  });
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1');
  closeAtEnd(() => void server.close(() => undefined).closeAllConnections());
  await once(server, 'listening');
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Asks doctor about one provider of each kind. @returns its lines on whether they can be reached, and who was asked anything */
async function askDoctor(env: NodeJS.ProcessEnv): Promise<{ lines: Record<string, string>; asked: string[] }> {
  const cwd = makeDataDir();
  const asked = new Set<string>();
  const providers = await Promise.all(
    Object.entries(KINDS).map(async ([name, options]) => {
      const url = await listen(options, () => asked.add(name));
      return `    - { name: ${name}, app_id: an-id, app_secret: a-s3cret, url: '${url}', args: { strategy: bitbucket } }`;
    }),
  );
  mkdirSync(join(cwd, 'config'));
  writeFileSync(join(cwd, 'config/gatehouse.yml'), `omniauth:\n  providers:\n${providers.join('\n')}\n`, {
    mode: 0o600,
  });
  writeFileSync(join(cwd, 'authority.pem'), authority);
  const { out } = await run(cwd, ['doctor'], env);
  const found = [...out.matchAll(/^(\w+) +provider ([\w-]+), reachable: (.*)$/gm)];
  const lines = found.map(([, state, name, words]) => [name ?? '', `${state} ${words}`] as const);
  return { lines: Object.fromEntries(lines), asked: [...asked] };
}

test('only a valid certificate for the right name over TLS 1.2 or later is talked to, and the reason is named (PF-003)', async () => {
  const { lines, asked } = await askDoctor({ NODE_EXTRA_CA_CERTS: 'authority.pem' });
  expect(lines).toEqual({
    good: expect.stringMatching(/^ok /) as string,
    'other-name': expect.stringMatching(/^failed .*\(ERR_TLS_CERT_ALTNAME_INVALID\)/) as string,
    expired: expect.stringMatching(/^failed .*\(CERT_HAS_EXPIRED\)/) as string,
    'self-signed': expect.stringMatching(/^failed .*\(DEPTH_ZERO_SELF_SIGNED_CERT\)/) as string,
    sha1: expect.stringMatching(/^failed .*\(\w+\)/) as string,
    tls10: expect.stringMatching(/^failed .*\(\w*(PROTOCOL|VERSION)\w*\)/) as string,
    tls11: expect.stringMatching(/^failed .*\(\w*(PROTOCOL|VERSION)\w*\)/) as string,
  });
  expect(asked).toEqual(['good']);
});

test("an authority nobody knows is not believed, and Node's switch against all checks does not count here (PF-003)", async () => {
  const { lines, asked } = await askDoctor({ NODE_TLS_REJECT_UNAUTHORIZED: '0' });
  expect(lines['good']).toMatch(/^failed .*\(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/);
  expect(Object.values(lines).filter((line) => !line.startsWith('failed'))).toEqual([]);
  expect(asked).toEqual([]);
});
