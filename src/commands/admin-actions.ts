// What `gatehouse admin` does with accounts. Each change is written together with its event of the audit log.
import { z } from 'zod';
import { endWhatWasBegun } from '../accounts/begun.ts';
import { forgetInitialPassword, ROOT } from '../accounts/root.ts';
import { LINK_MINUTES, LINK_PATH, makeSignInLink } from '../accounts/sign-in-links.ts';
import * as store from '../accounts/store.ts';
import { baseUsername, freeUsername } from '../accounts/usernames.ts';
import type { AuditAction, AuditEvent } from '../audit/record.ts';
import { insertEvent } from '../audit/record.ts';
import type { Config } from '../config/schema.ts';
import type { Dialect } from '../db/dialect.ts';
import type { Account, Database, Transaction } from '../db/tables.ts';
import { endSessions } from '../web/account-sessions.ts';
import { CommandFailed } from './command.ts';

export interface AdminServices {
  db: Database;
  dialect: Dialect;
  config: Config;
  now(): number;
  /** What was noted of the account; its owner is told once it is done. */
  noted: AuditEvent[];
}

/** @returns what to print. @throws CommandFailed */
export type AdminAction = (
  services: AdminServices,
  name: string,
  options: { email?: string; admin: boolean },
) => Promise<string[]>;

/** Whoever runs a command is known to the machine, not to us. */
const BY_COMMAND = { actor: null, reason: 'command_line' } as const;

export const approve: AdminAction = async (services, name) => {
  const account = await requireKnown(services.db, name);
  const approved = await services.db.transaction().execute(async (trx) => {
    if (!(await store.approveAccount(trx, account.id))) return false;
    await note(services, trx, 'account_approved', account);
    return true;
  });
  if (approved) return [`${name} (${account.name}) may sign in now.`];
  if (account.state === 'active') return [`${name} may sign in already; nothing was changed.`];
  throw new CommandFailed(`${name} is ${account.state}, not waiting; approving does not lift that.`);
};

export const create: AdminAction = async (services, name, { email, admin }) => {
  const address = email === undefined ? null : requireEmail(email);
  if (baseUsername([name]) !== name)
    throw new CommandFailed(
      `${JSON.stringify(name)} is no user name: small letters, digits, - _ and . between them, at most 60`,
    );
  try {
    return await services.db.transaction().execute(async (trx) => {
      if ((await freeUsername(trx, name)) !== name) throw new CommandFailed(`the name ${name} is taken or reserved`);
      const account = await store.insertAccount(trx, {
        username: name,
        name,
        email: address,
        email_verified: 0, // nobody has shown yet that it is theirs; only a sign-in with it as confirmed could tell
        email_set_here: address === null ? 0 : 1,
        state: 'active',
        admin: admin ? 1 : 0,
        password_hash: null,
        created_at: services.now(),
      });
      await note(services, trx, 'account_created', account);
      if (admin) await note(services, trx, 'admin_granted', account);
      return [
        `${name} was made${admin ? ', an administrator' : ''}. To sign in:`,
        ...(await newLink(services, trx, account)),
      ];
    });
  } catch (error) {
    if (!services.dialect.isUniqueViolation(error)) throw error;
    throw new CommandFailed('an account with this name or e-mail address is there already');
  }
};

/** Also of the last administrator, whom requireAdministrator would protect: what is printed is a way in. */
export const reset: AdminAction = async (services, name) => {
  const account = await requireActive(services.db, name);
  const lines = await services.db.transaction().execute(async (trx) => {
    // Also what is under way: it must not connect another identity to the account now.
    const ended = await endWhatWasBegun(trx, services, { accountId: account.id });
    await store.updateAccount(trx, account.id, { password_hash: null, password_used_at: null });
    await note(services, trx, 'password_changed', account, { removed: true });
    await note(services, trx, 'sessions_ended', account, { ended });
    return [
      `${name} has no password any more and is signed out everywhere (${ended} ${ended === 1 ? 'session' : 'sessions'}).`,
      'Connected Bitbucket accounts and access tokens stay. To sign in and set a new password:',
      ...(await newLink(services, trx, account)),
    ];
  });
  // A sign-in with the old password that was checked before, and has written its session since.
  await endSessions(services.db, account.id);
  if (name === ROOT) forgetInitialPassword(services.config.data_dir);
  return lines;
};

export const link: AdminAction = async (services, name) => {
  const account = await requireActive(services.db, name);
  return services.db.transaction().execute((trx) => newLink(services, trx, account));
};

async function newLink(services: AdminServices, trx: Transaction, account: Account): Promise<string[]> {
  const token = await makeSignInLink(trx, account.id, services.now());
  await note(services, trx, 'sign_in_link_made', account);
  return [
    `  ${services.config.external_url}${LINK_PATH}#${token}`,
    `It signs in as ${account.username}, once, within ${LINK_MINUTES} minutes. Whoever has it comes in: hand it over with care.`,
  ];
}

async function note(
  { now, noted }: AdminServices,
  trx: Transaction,
  action: AuditAction,
  ...[account, details]: [Account, Record<string, unknown>?]
): Promise<void> {
  const event = { ...BY_COMMAND, action, account, details };
  await insertEvent({ now }, trx, event);
  noted.push(event);
}

function requireEmail(email: string): string {
  if (z.email().max(254).safeParse(email).success) return email;
  throw new CommandFailed(`--email: expected an e-mail address, got ${JSON.stringify(email)}`, 2);
}

async function requireKnown(db: Database, name: string): Promise<Account> {
  const account = await store.findAccountByUsername(db, name);
  if (account) return account;
  throw new CommandFailed(`no account is named ${JSON.stringify(name)}. ${await whoWaits(db)}`);
}

async function requireActive(db: Database, name: string): Promise<Account> {
  const account = await requireKnown(db, name);
  if (account.state === 'active') return account;
  const next = account.state === 'waiting' ? `: gatehouse admin approve ${name}` : '; an administrator can unblock it';
  throw new CommandFailed(`${name} is ${account.state}, so no link would let it in${next}`);
}

async function whoWaits(db: Database): Promise<string> {
  const names = await store.listUsernames(db, 'waiting');
  return names.length === 0
    ? 'Nobody is waiting.'
    : `Waiting: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ' …' : ''}`;
}
