// Sends mail, where a server for it is configured: a few at a time, within a time limit. Why one was not sent is for the
// caller to tell: nothing should fail because of a mail.
import { isLoopback } from '../config/fields.ts';
import type { Config } from '../config/schema.ts';
import type { WhyNot } from './why-not.ts';
import { whyNot } from './why-not.ts';

const STEP_MS = 10_000;
const TOTAL_MS = 30_000;
const MAX_UNDER_WAY = 3;
const MAX_WAITING = 100;

export interface Mail {
  /** A single verified address. */
  to: string;
  subject: string;
  text: string;
}

/** The one that sends the mails of a process. */
export class Post {
  readonly #config: () => Pick<Config, 'smtp' | 'external_url'>;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param config asked at each mail: a reload may have changed it */
  constructor(config: () => Pick<Config, 'smtp' | 'external_url'>) {
    this.#config = config;
  }

  /** Whether there is a server to send with. */
  get isOn(): boolean {
    return this.#config().smtp.url !== undefined;
  }

  /** Never throws. @returns why it was not sent; undefined when the server has taken it */
  async send(mail: Mail): Promise<WhyNot | undefined> {
    const { smtp, external_url } = this.#config();
    if (smtp.url === undefined) return { reason: 'off', why: 'there is no smtp.url' };
    if (this.#underWay >= MAX_UNDER_WAY && this.#waiting.length >= MAX_WAITING) {
      return { reason: 'too_many', why: 'too many mails are waiting for the mail server' };
    }
    const server = serverOf(smtp.url);
    const from = smtp.from ?? `Gatehouse <gatehouse@${new URL(external_url).hostname}>`;
    try {
      await this.#inTurn(() => deliver(server, from, mail));
      return undefined;
    } catch (error) {
      return whyNot(error);
    }
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    if (this.#underWay >= MAX_UNDER_WAY) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#underWay += 1;
    try {
      await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#underWay -= 1;
    }
  }
}

async function deliver(server: MailServer, from: string, { to, subject, text }: Mail): Promise<void> {
  const headers = { 'Auto-Submitted': 'auto-generated' };
  const letter = { from, to: { name: '', address: to }, subject, text, headers };
  // Not at the top: most servers start without it, and those that have mail to send need it now and then.
  const { createTransport } = await import('nodemailer');
  await withLimit(createTransport(server).sendMail(letter));
}

type MailServer = ReturnType<typeof serverOf>;

/**
 * `smtp://` is encrypted as soon as the server offers it, and then for good: a certificate that is not trusted ends it,
 * nothing goes on in the clear. Node's switch against all checks (NODE_TLS_REJECT_UNAUTHORIZED) does not count.
 */
function serverOf(address: string) {
  const { protocol, hostname, port, username, password } = new URL(address);
  const secure = protocol === 'smtps:';
  const auth = { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || (secure ? 465 : 587),
    secure,
    // A password goes over no line that somebody could have kept from being encrypted.
    requireTLS: username !== '' && !isLoopback(hostname),
    tls: { rejectUnauthorized: true, minVersion: 'TLSv1.2' as const },
    ...(username === '' ? {} : { auth }),
    ...{ connectionTimeout: STEP_MS, greetingTimeout: STEP_MS, socketTimeout: STEP_MS, dnsTimeout: STEP_MS },
    ...{ disableFileAccess: true, disableUrlAccess: true },
  };
}

/** The steps have limits of their own; a server that says a letter now and then keeps within them. */
async function withLimit(sending: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('too late'), { code: 'ETIMEDOUT' })), TOTAL_MS);
    timer.unref();
  });
  try {
    await Promise.race([sending, late]);
  } finally {
    clearTimeout(timer);
  }
}
