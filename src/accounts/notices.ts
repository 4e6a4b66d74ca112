// Notices: what the audit log says of an account that its owner should know, in words. They stand in the pages until
// they are marked as seen, and go out by mail (mail-notices.ts).
import type { NOTICED_CHANGES, NOTICED_TRIES } from '../audit/record.ts';
import { isChangeOfAddress } from '../audit/record.ts';
import { listNoticed, newestEventId } from '../audit/store.ts';
import { parseDetails } from '../audit/words.ts';
import type { Config } from '../config/schema.ts';
import type { Account, AuditRow } from '../db/tables.ts';
import type { Services } from '../services.ts';
import { timeOf } from '../web/time.ts';
import { describeAgent } from '../web/user-agent.ts';
import { markSeen } from './store.ts';

/** Of an event in the database (null), or of one about to be mailed (undefined). */
export type Noticed = Pick<AuditRow, 'action' | 'result'> & {
  [key in 'reason' | 'target' | 'actor_id' | 'account_id' | 'details']?: AuditRow[key] | undefined;
};

export interface Words {
  title: string;
  text: string;
}

export interface Notice extends Words {
  tone: 'info' | 'stop';
  at: ReturnType<typeof timeOf>;
  /** IP address, or null for what the server did by itself; where an administrator was is theirs. */
  address: string | null;
  device: string | null;
  /** How often it came one after the other, from the same place. */
  count: number;
}

export interface Notices {
  list: Notice[];
  /** The newest event among them, for "Seen". */
  upTo: number;
}

/** What an account's owner has not marked as seen, newest first. */
export async function listNotices({ db, config }: Services, account: Account): Promise<Notices> {
  const rows = await listNoticed(db, account.id, account.seen_event_id);
  const list: Notice[] = [];
  for (const row of rows) {
    const notice = noticeOf(config(), row);
    if (!notice) continue;
    const last = list.at(-1);
    if (last && isSame(last, notice)) last.count += 1;
    else list.push(notice);
  }
  return { list, upTo: rows[0]?.id ?? 0 };
}

/** The same for scripts. */
export function noticesAsJson({ list, upTo }: Notices) {
  return { up_to: upTo, list: list.map(({ at, ...notice }) => ({ at: at.iso, ...notice })) };
}

/** @param upTo from a form: what has not happened yet cannot have been seen */
export async function seeNotices({ db }: Services, account: Account, upTo: number): Promise<void> {
  await markSeen(db, account.id, Math.min(upTo, await newestEventId(db)));
}

function noticeOf(config: Config, row: AuditRow): Notice | undefined {
  const words = wordsOf(config, row);
  if (!words) return undefined;
  const address = isByOther(row) ? null : row.address;
  return {
    ...words,
    tone: row.result === 'ok' ? 'info' : 'stop',
    at: timeOf(row.at),
    address,
    device: address === null ? null : describeAgent(row.agent),
    count: 1,
  };
}

/** Tries that were refused come in dozens; changes are told one by one. */
function isSame(one: Notice, other: Notice): boolean {
  const alike = one.title === other.title && one.address === other.address && one.device === other.device;
  return alike && one.tone === 'stop';
}

/** @returns undefined for what is no notice */
export function wordsOf(config: Config, row: Noticed): Words | undefined {
  const words = WORDS[row.result === 'ok' ? row.action : `${row.action} ${row.reason}`];
  return words?.({ by: wayOf(config, row.target), target: row.target ?? '', row });
}

interface Told {
  /** "Bitbucket", "username and password". */
  by: string;
  target: string;
  row: Noticed;
}

type WordsFor = (told: Told) => Words | undefined;

const DONE: Record<(typeof NOTICED_CHANGES)[number], WordsFor> = {
  new_device: ({ by }) => ({ title: 'Sign-in from a new device', text: `With ${by}.` }),
  identity_connected: ({ by, row }) => ({
    title: `A ${by} account was connected`,
    text:
      row.reason === 'auto_link_user'
        ? 'It has your e-mail address, which was verified here and there. It opens your account from now on.'
        : 'It opens your account from now on.',
  }),
  identity_disconnected: ({ by, row }) => ({
    title: `A ${by} account was disconnected`,
    text: `It does not open your account any more.${byOther(row)}`,
  }),
  identity_changed: ({ by, row }) => ({ title: `A connected ${by} account was corrected`, text: byOther(row).trim() }),
  account_changed: ({ row }) =>
    isChangeOfAddress(parseDetails(row.details ?? null))
      ? {
          title: 'Your e-mail address was changed',
          text: `What counts from now on stands in your account.${byOther(row)}`,
        }
      : undefined,
  password_changed: ({ row }) => PASSWORD_CHANGED[row.reason ?? ''],
  token_created: ({ target }) => ({ title: 'A personal access token was made', text: target }),
  sign_in_link_made: () => ({
    title: 'A one-time sign-in link was made',
    text: 'Somebody who runs this server has made it for your account.',
  }),
};

const OTHERS_OUT = 'All other devices were signed out.';

/** By the reason. */
const PASSWORD_CHANGED: Partial<Record<string, Words>> = {
  set: { title: 'A password was set', text: OTHERS_OUT },
  changed: { title: 'Your password was changed', text: OTHERS_OUT },
  command_line: {
    title: 'Your password was removed',
    text: 'All devices were signed out. Somebody who runs this server did that.',
  },
};

const REFUSED: Record<(typeof NOTICED_TRIES)[number], WordsFor> = {
  'sign_in invalid_credentials': () => ({
    title: 'Wrong password',
    text: 'Somebody tried to sign in to your account and did not get in.',
  }),
  'sign_in email_taken': ({ by }) => ({
    title: `A ${by} account came with your e-mail address`,
    text: 'It is not connected to your account, so it did not get in.',
  }),
  'confirm invalid_credentials': () => ({
    title: 'Wrong password',
    text: 'Somebody who was signed in as you did not know your password.',
  }),
  'confirm wrong_identity': ({ by }) => ({
    title: 'Another account was used to confirm',
    text: `Somebody who was signed in as you came back with a ${by} account that is not yours.`,
  }),
  'identity_connected identity_taken': ({ by }) => ({
    title: `A ${by} account could not be connected`,
    text: 'It opens another account here already.',
  }),
};

const WORDS: Partial<Record<string, WordsFor>> = { ...DONE, ...REFUSED };

/** Whether somebody else did it, who was signed in: an administrator. Strangers, commands and the server are nobody. */
export function isByOther({ actor_id, account_id }: Pick<Noticed, 'actor_id' | 'account_id'>): boolean {
  return actor_id != null && actor_id !== account_id;
}

function byOther(row: Noticed): string {
  return isByOther(row) ? ' An administrator did that.' : '';
}

function wayOf({ omniauth }: Config, target: string | null | undefined): string {
  if (target === 'password') return 'username and password';
  if (target === 'link') return 'a one-time link';
  return omniauth.providers.find(({ name }) => name === target)?.label ?? target ?? 'sign-in';
}
