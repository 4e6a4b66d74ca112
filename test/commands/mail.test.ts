// Mail over encrypted connections. As a process of its own: Node reads whom to trust when it starts.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authority, certificates, key } from '../bitbucket/certificates.ts';
import { keepSecret } from '../support/leaks.ts';
import type { MailServer } from '../support/mail-server.ts';
import { MAIL_PASSWORD, MAIL_USER, startMailServer } from '../support/mail-server.ts';
import { tokenIn } from '../support/one-time-links.ts';
import type { TestApp } from '../support/start-app.ts';
import { startApp } from '../support/start-app.ts';
import { run } from './run.ts';

const TOLD = 'Its owner is told by mail.';

async function startWithRootsAddress(): Promise<TestApp> {
  const app = await startApp();
  const address = { email: 'root@example.test', email_key: 'root@example.test', email_verified: 1 };
  await app.services.db.updateTable('accounts').set(address).execute();
  writeFileSync(join(app.dataDir, 'authority.pem'), authority);
  return app;
}

/** Has a command send a mail. @returns what it says of it, its last line */
async function mailBy(app: TestApp, scheme: string, { port }: MailServer, env: NodeJS.ProcessEnv): Promise<string> {
  keepSecret('password of the mail server', MAIL_PASSWORD);
  const login = `${MAIL_USER}:${encodeURIComponent(MAIL_PASSWORD)}`;
  const { code, out, err } = await run(app.dataDir, ['admin', 'link', 'root', '--config', 'gatehouse.yml'], {
    GATEHOUSE_SMTP_URL: `${scheme}://${login}@127.0.0.1:${port}`,
    ...env,
  });
  tokenIn(out, app);
  expect([code, err]).toEqual([0, expect.not.stringContaining(MAIL_USER)]);
  expect(out).not.toContain(MAIL_USER);
  return out.trim().split('\n').at(-1) ?? '';
}

test('a mail and its password go encrypted to a server with a certificate that is trusted: STARTTLS where it is offered, or smtps', async () => {
  const app = await startWithRootsAddress();
  const trusting = { NODE_EXTRA_CA_CERTS: 'authority.pem' };
  const good = { key, cert: certificates.good };
  const starttls = await startMailServer({ ...good, authOptional: false });
  const encrypted = await startMailServer({ ...good, authOptional: false, secure: true });
  expect(await mailBy(app, 'smtp', starttls, trusting)).toBe(TOLD);
  expect(await mailBy(app, 'smtps', encrypted, trusting)).toBe(TOLD);
  for (const { letters, tries } of [starttls, encrypted]) {
    expect(letters).toMatchObject([{ to: ['root@example.test'], secure: true }]);
    expect(tries).toEqual([{ secure: true, right: true }]);
  }
});

test.each([
  [
    'for another name',
    certificates.otherName,
    { NODE_EXTRA_CA_CERTS: 'authority.pem' },
    'ERR_TLS_CERT_ALTNAME_INVALID',
  ],
  ['that has run out', certificates.expired, { NODE_EXTRA_CA_CERTS: 'authority.pem' }, 'CERT_HAS_EXPIRED'],
  ['of nobody who is trusted', certificates.good, {}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  [
    'of nobody, with Node’s switch against all checks',
    certificates.good,
    { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
])(
  'a server with a certificate %s is given neither mail nor password, and that is said',
  async (_which, cert, env, code) => {
    const app = await startWithRootsAddress();
    for (const [scheme, secure] of [
      ['smtp', false],
      ['smtps', true],
    ] as const) {
      const server = await startMailServer({ key, cert, secure });
      const said = await mailBy(app, scheme, server, env);
      expect(said).toMatch(/^Its owner could not be told by mail: the certificate of the mail server is not trusted/);
      expect(said).toContain(`(${code}).`);
      expect([server.letters, server.tries]).toEqual([[], []]);
    }
  },
);
