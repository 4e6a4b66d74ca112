// A mail server on loopback that keeps what it is given.
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { noteWritten } from './leaks.ts';
import { closeAtEnd } from './at-end.ts';

export const MAIL_USER = 'the-user';
export const MAIL_PASSWORD = 'p@ss/w0rd of the mail server';

export interface Letter {
  from: string;
  to: string[];
  text: string;
  subject: string | undefined;
  /** Whether it came over an encrypted connection. */
  secure: boolean;
}

export interface MailServer {
  port: number;
  letters: Letter[];
  /** How often somebody has shown it a user and a password. */
  tries: { secure: boolean; right: boolean }[];
}

/** Without STARTTLS and open to everybody, unless the options say otherwise. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const letters: Letter[] = [];
  const tries: MailServer['tries'] = [];
  const server = new SMTPServer({
    disabledCommands: options.key ? [] : ['STARTTLS'],
    authOptional: true,
    allowInsecureAuth: true,
    onAuth: ({ username, password }, { secure }, done) => {
      const right = username === MAIL_USER && password === MAIL_PASSWORD;
      tries.push({ secure, right });
      if (right) done(null, { user: username });
      else done(new Error('535 no'));
    },
    onData: (stream, { envelope, secure }, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        noteWritten('answer', 'a mail', text); // searched for secrets like everything else
        const from = envelope.mailFrom ? envelope.mailFrom.address : '';
        const to = envelope.rcptTo.map(({ address }) => address);
        letters.push({ from, to, text, secure, subject: /^Subject: (.*) \(/m.exec(text)?.[1] });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAtEnd(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { port: (server.server.address() as AddressInfo).port, letters, tries };
}

/** The YAML that names it. @param url how it is reached; `PORT` is its port */
export function smtpYaml({ port }: Pick<MailServer, 'port'>, url = 'smtp://127.0.0.1:PORT', more = ''): string {
  return `smtp: { url: '${url.replace('PORT', String(port))}' ${more} }\n`;
}
