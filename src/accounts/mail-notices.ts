// The same notices by mail, to the verified address of the account. A mail says what has happened and where to look; it
// holds no secret and nothing that signs anybody in.
import type { Request } from 'express';
import type { AuditEvent } from '../audit/record.ts';
import { rowOf } from '../audit/record.ts';
import type { Config } from '../config/schema.ts';
import type { Account } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Mail } from '../mail/post.ts';
import type { WhyNot } from '../mail/why-not.ts';
import type { Services } from '../services.ts';
import { Limits } from '../web/limits.ts';
import { timeOf } from '../web/time.ts';
import { describeAgent } from '../web/user-agent.ts';
import type { Words } from './notices.ts';
import { isByOther, wordsOf } from './notices.ts';
import { findAccount } from './store.ts';

const HOUR_SECONDS = 3600;

type Row = ReturnType<typeof rowOf>;
type MailServices = Pick<Services, 'config' | 'db' | 'now' | 'post'>;

/** What became of one mail. */
interface Mailed {
  subject: string;
  /** Undefined when the mail server has taken it. */
  not: WhyNot | undefined;
}

/**
 * To be called once the event is in the database. Returns at once: nothing waits for a mail, and nothing fails because of
 * one. How it went is logged.
 * @param former the account as it was before: who loses the address that is written to is told there, too
 */
export function mailNotice(services: Services, event: AuditEvent, req?: Request, former?: Account): void {
  const { log, post, now } = services;
  if (!post.isOn) return;
  const row = rowOf(event, now(), req);
  mail(services, row, former).then(
    (mails) => {
      for (const { subject, not } of mails) {
        if (not) log.error({ ...not, account_id: row.account_id }, 'a mail could not be sent');
        else log.info({ subject }, 'mail sent');
      }
    },
    (error: unknown) => {
      if (error instanceof AppError && error.code === 'rate_limited') return;
      log.error({ err: error, account_id: row.account_id }, 'a notice could not be mailed');
    },
  );
}

/** The same for a command, which ends only when the mails are on their way, and tells itself how it went. */
export async function mailOwner(services: MailServices, event: AuditEvent): Promise<Mailed[]> {
  return services.post.isOn ? mail(services, rowOf(event, services.now(), undefined)) : [];
}

async function mail(services: MailServices, row: Row, former?: Account): Promise<Mailed[]> {
  const { config, db, now, post } = services;
  const words = wordsOf(config(), row);
  if (!words || row.account_id === undefined) return [];
  const account = await findAccount(db, row.account_id);
  const addresses = new Set([former, account].flatMap(verifiedAddressOf));
  // What a stranger can make happen must not fill a letter box; the pages tell of each.
  const limit = { key: `notice:${row.account_id}:${row.action}`, max: 1, windowSeconds: HOUR_SECONDS };
  if (row.result !== 'ok' && addresses.size > 0) await new Limits(db, now).take(limit);
  const letter = letterOf(config(), words, row);
  const send = async (to: string) => ({ subject: letter.subject, not: await post.send({ to, ...letter }) });
  return Promise.all([...addresses].map(send));
}

function verifiedAddressOf(account: Account | undefined): string[] {
  return account?.email && account.email_verified === 1 ? [account.email] : [];
}

function letterOf({ external_url }: Config, words: Words, row: Row): Omit<Mail, 'to'> {
  const address = isByOther(row) ? undefined : row.address;
  const text = `${words.title}. ${words.text}

Account:  ${row.account_name} at ${external_url}
Time:     ${timeOf(row.at).text}
${address === undefined ? '' : `Address:  ${address}\nDevice:   ${describeAgent(row.agent ?? null)}\n`}
If you know of that, there is nothing to do. If not, change your password and
sign out your other devices:

${external_url}/-/profile/account

Gatehouse never asks for your password by mail.
`;
  return { subject: `${words.title} (${new URL(external_url).host})`, text };
}
