// Notices by mail, against a real SMTP server on loopback.
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { selfSigned } from '../bitbucket/self-signed.ts';
import { MAIL_PASSWORD, MAIL_USER, smtpYaml, startMailServer } from '../support/mail-server.ts';
import { give, LINK_PAGE, makeLink, runAdmin, tokenIn } from '../support/one-time-links.ts';
import { providerYaml } from '../support/provider.ts';
import { goToBitbucket, openAs, openBrowser, signInWithPassword, signOut, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';
import { closeAtEnd } from '../support/at-end.ts';
import { until } from '../support/until.ts';

const LOGIN = `${MAIL_USER}:${encodeURIComponent(MAIL_PASSWORD)}`;

function failuresOf({ log }: TestApp): string[] {
  return log.filter((line) => line.includes('a mail could not be sent'));
}

test('a notice goes to the verified address, says what, when and where, and holds no link that signs in (LK-037)', async () => {
  const mail = await startMailServer();
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(mail, undefined, ", from: 'Gate <gate@example.test>'") });
  const browser = await openAs(app, sandbox, 'alice');
  await goToBitbucket(browser, sandbox, 'carol');
  await until(() => mail.letters.length === 1);
  const [letter] = mail.letters;
  expect(letter).toMatchObject({ from: 'gate@example.test', to: ['alice@example.test'] });
  expect(letter?.text).toMatch(/^Subject: A Bitbucket account was connected \(localhost:\d+\)/m);
  expect(letter?.text).toMatch(/^Auto-Submitted: auto-generated/m);
  for (const words of [/alice at http:\/\/localhost:\d+/, /UTC/, /127\.0\.0\.1/]) expect(letter?.text).toMatch(words);
  expect(letter?.text.match(/https?:\/\/\S+/g)?.map((link) => link.replace(/\d+/, 'PORT'))).toEqual([
    'http://localhost:PORT',
    'http://localhost:PORT/-/profile/account',
  ]);
  expect(app.log.some((line) => line.includes('alice@example.test'))).toBe(false);
});

test('nobody gets mail at an address that was not verified, or without one', async () => {
  const mail = await startMailServer();
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(mail) });
  const browser = await openAs(app, sandbox, 'alice');
  await app.services.db.updateTable('accounts').set({ email_verified: 0 }).execute();
  await goToBitbucket(browser, sandbox, 'carol');
  await openAs(app, sandbox, 'bob');
  await openAs(app, sandbox, 'bob'); // a new device, and no address
  await app.services.db.updateTable('accounts').set({ email_verified: 1 }).execute();
  await openAs(app, sandbox, 'alice');
  await until(() => mail.letters.length > 0);
  expect(mail.letters.map(({ subject }) => subject)).toEqual(['Sign-in from a new device']);
});

test('wrong passwords, which any stranger can make, fill no letter box', async () => {
  let now = Date.now();
  const mail = await startMailServer();
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(mail), now: () => now });
  await openAs(app, sandbox, 'alice');
  for (let tries = 0; tries < 5; tries += 1) await signInWithPassword(openBrowser(app), 'alice', 'no');
  await until(() => mail.letters.length === 1);
  now += 61 * 60_000;
  await signInWithPassword(openBrowser(app), 'alice', 'no');
  await until(() => mail.letters.length === 2);
  expect(mail.letters.every(({ subject }) => subject === 'Wrong password')).toBe(true);
});

test('a server that wants a password gets it; it is told nowhere else', async () => {
  const mail = await startMailServer({ authOptional: false });
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(mail, `smtp://${LOGIN}@127.0.0.1:PORT`) });
  await openAs(app, sandbox, 'alice');
  await openAs(app, sandbox, 'alice');
  await until(() => mail.letters.length === 1);
  expect(mail.letters[0]?.from).toBe('gatehouse@localhost');
  app.reconfigure(providerYaml(sandbox) + smtpYaml(mail, `smtp://${MAIL_USER}:not-the-password@127.0.0.1:PORT`));
  await openAs(app, sandbox, 'alice');
  await until(() => failuresOf(app).length === 1);
  expect(failuresOf(app)[0]).toContain('"reason":"EAUTH"');
  for (const secret of [MAIL_USER, 'not-the-password', MAIL_PASSWORD]) expect(app.log.join('\n')).not.toContain(secret);
});

test('a mail server whose certificate is not trusted is given nothing, with STARTTLS or from the start, and the log says why', async () => {
  const starttls = await startMailServer(selfSigned);
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(starttls, `smtp://${LOGIN}@127.0.0.1:PORT`) });
  await openAs(app, sandbox, 'alice');
  await openAs(app, sandbox, 'alice');
  await until(() => failuresOf(app).length === 1);
  const encrypted = await startMailServer({ ...selfSigned, secure: true });
  app.reconfigure(providerYaml(sandbox) + smtpYaml(encrypted, `smtps://${LOGIN}@127.0.0.1:PORT`));
  await openAs(app, sandbox, 'alice');
  await until(() => failuresOf(app).length === 2);
  for (const line of failuresOf(app)) {
    expect(line).toContain('"reason":"DEPTH_ZERO_SELF_SIGNED_CERT"');
    expect(line).toContain('the certificate of the mail server is not trusted');
    expect(line).not.toContain('alice@');
  }
  for (const { letters, tries } of [starttls, encrypted]) expect([letters, tries]).toEqual([[], []]);
});

test('a password goes to another machine only over an encrypted connection, whatever the server offers', async () => {
  const open = await startMailServer();
  const elsewhere = '0.0.0.0'; // this machine, by a name that does not say so
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(open, `smtp://${LOGIN}@${elsewhere}:PORT`) });
  await openAs(app, sandbox, 'alice');
  await openAs(app, sandbox, 'alice');
  await until(() => failuresOf(app).length === 1);
  expect(failuresOf(app)[0]).toContain('the mail server does not encrypt');
  expect([open.letters, open.tries]).toEqual([[], []]);
  app.reconfigure(providerYaml(sandbox) + smtpYaml(open, `smtp://${elsewhere}:PORT`));
  await openAs(app, sandbox, 'alice');
  await until(() => open.letters.length === 1);
});

test('a one-time link is told by mail, without the link, and so is the new device that it lets in', async () => {
  const mail = await startMailServer();
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(mail) });
  const owner = await openAs(app, sandbox, 'alice');
  const printed = await runAdmin(app, ['link', 'alice']);
  expect(printed.split('\n').at(-1)).toBe('Its owner is told by mail.');
  const other = openBrowser(app);
  expect((await give(other, tokenIn(printed, app))).status).toBe(303);
  await until(() => mail.letters.length === 2);
  expect(mail.letters).toMatchObject([
    { to: ['alice@example.test'], subject: 'A one-time sign-in link was made' },
    { to: ['alice@example.test'], subject: 'Sign-in from a new device' },
  ]);
  const [made, used] = mail.letters;
  expect(made?.text).not.toContain(LINK_PAGE);
  expect(used?.text).toContain('With a one-time link.');
  const { text } = await owner.get('/');
  for (const words of ['A one-time sign-in link was made', 'Sign-in from a new device']) expect(text).toContain(words);
  await signOut(other);
  await give(other, await makeLink(app, 'alice')); // known by now
  await until(() => mail.letters.length === 3);
  await openAs(app, sandbox, 'alice');
  await until(() => mail.letters.length === 4);
  expect(mail.letters[2]?.subject).toBe('A one-time sign-in link was made');
  expect(mail.letters[3]?.text).toContain('With Bitbucket.');
});

test('a password that a command removes is told, and a mail that cannot be sent keeps no link back', async () => {
  const mail = await startMailServer();
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(mail) });
  await openAs(app, sandbox, 'alice');
  const printed = await runAdmin(app, ['reset', 'alice']);
  tokenIn(printed, app);
  expect(printed.match(/told by mail/g)).toHaveLength(1);
  expect(mail.letters.map(({ subject }) => subject).sort()).toEqual([
    'A one-time sign-in link was made',
    'Your password was removed',
  ]);
  app.reconfigure(providerYaml(sandbox) + smtpYaml({ port: 1 }));
  const other = await runAdmin(app, ['link', 'alice']);
  tokenIn(other, app);
  expect(other).toContain('Its owner could not be told by mail: the mail server cannot be reached (ECONNREFUSED).');
  expect(await runAdmin(app, ['create', 'ada'], { email: 'ada@example.test', admin: false })).not.toContain('by mail');
});

test('a server that refuses, is not there or says nothing fails no request and is logged', async () => {
  const refusing = await startMailServer({ onRcptTo: (_address, _session, done) => done(new Error('not here')) });
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  closeAtEnd(() => void silent.close());
  const { app, sandbox } = await startBoth({ yaml: smtpYaml(refusing) });
  const provider = providerYaml(sandbox);
  await openAs(app, sandbox, 'alice');
  await openAs(app, sandbox, 'alice');
  await until(() => failuresOf(app).length === 1);
  app.reconfigure(provider + smtpYaml({ port: 1 }));
  await openAs(app, sandbox, 'alice');
  await until(() => failuresOf(app).length === 2);
  app.reconfigure(provider + smtpYaml(silent.address() as AddressInfo));
  const started = Date.now();
  await openAs(app, sandbox, 'alice');
  expect(Date.now() - started).toBeLessThan(9000); // of a mail server it is awaited for ten seconds
  await until(() => failuresOf(app).length === 3);
  expect(failuresOf(app).join('\n')).not.toContain('alice@');
});

test('without a mail server nothing is sent and nothing is logged about it', async () => {
  const { app, sandbox } = await startBoth();
  await openAs(app, sandbox, 'alice');
  await openAs(app, sandbox, 'alice');
  expect(app.log.filter((line) => line.includes('mail'))).toEqual([]);
});
