// The forms of a person's page: what each takes, does and says afterwards.
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { recordEvent } from '../audit/record.ts';
import type { AuditAction } from '../audit/record.ts';
import { isPlainAddress } from '../bitbucket/clean.ts';
import { uuid } from '../bitbucket/replies.ts';
import { findAccount } from '../accounts/store.ts';
import { readName } from '../accounts/typed-name.ts';
import { AppError } from '../errors.ts';
import { answerDone, wantsJson } from '../web/answer.ts';
import { tell } from '../web/flash.ts';
import { idIn, isTicked, parseInput } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import type { Change } from './account-changes.ts';
import * as changes from './account-changes.ts';
import * as identityChanges from './identity-changes.ts';

/** What is said on the next page. */
interface Done {
  title: string;
  text?: string;
}

interface Action {
  /** What the audit log calls a try that is refused. */
  event: AuditAction;
  /** What is said when a unique key of the database refuses it. */
  taken?: 'email_in_use' | 'identity_taken';
  run(change: Change, req: Request): Promise<Done>;
}

/** By the last part of the address, `POST /admin/users/:id/<name>`. */
export const USER_ACTIONS: Record<string, Action> = {
  approve: {
    event: 'account_approved',
    run: done(changes.approve, (name) => ({ title: `${name} may sign in now` })),
  },
  reject: {
    event: 'account_rejected',
    run: done(changes.reject, (name) => ({ title: `${name} was rejected`, text: 'The user name is free again.' })),
  },
  block: {
    event: 'account_blocked',
    run: done(changes.block, (name) => ({ title: `${name} is blocked`, text: 'All sessions have ended.' })),
  },
  unblock: {
    event: 'account_unblocked',
    run: done(changes.unblock, (name) => ({ title: `${name} may sign in again` })),
  },
  make_admin: {
    event: 'admin_granted',
    run: done(changes.makeAdmin, (name) => ({ title: `${name} is an administrator now` })),
  },
  unmake_admin: {
    event: 'admin_revoked',
    run: done(changes.unmakeAdmin, (name) => ({ title: `${name} is no administrator any more` })),
  },
  make_external: {
    event: 'external_set',
    run: done(
      (change) => changes.setExternal(change, true),
      (name) => ({ title: `${name} is external now`, text: 'They see what is shared with them, and nothing else.' }),
    ),
  },
  unmake_external: {
    event: 'external_set',
    run: done(
      (change) => changes.setExternal(change, false),
      (name) => ({ title: `${name} is not external any more` }),
    ),
  },
  sign_out: {
    event: 'sessions_ended',
    run: async (change) => {
      const sessions = await changes.signOutEverywhere(change);
      return { title: `${change.account.name} is signed out everywhere`, text: `Sessions that ended: ${sessions}.` };
    },
  },
  edit: { event: 'account_changed', taken: 'email_in_use', run: edit },
  delete: { event: 'account_deleted', run: remove },
};

/** `POST /admin/users/:id/identities/:identity/<name>`. */
export const IDENTITY_ACTIONS: Record<string, Action> = {
  disconnect: {
    event: 'identity_disconnected',
    run: async (change, req) => {
      const { display_name } = await identityChanges.disconnect(change, idIn(req.params['identity']));
      return { title: 'Disconnected', text: `${display_name} does not open this account any more.` };
    },
  },
  correct: { event: 'identity_changed', taken: 'identity_taken', run: correct },
};

function done(work: (change: Change) => Promise<void>, say: (name: string) => Done): Action['run'] {
  return async (change) => {
    await work(change);
    return say(change.account.name);
  };
}

const editForm = z.object({ name: z.string().max(1000), email: z.string(), email_verified: z.string().optional() });

async function edit(change: Change, req: Request): Promise<Done> {
  const form = parseInput(editForm, req.body);
  const read = readName(form.name);
  const email = form.email.trim();
  if ('mistake' in read) throw mistake(read.mistake);
  if (email !== '' && !isPlainAddress(email)) throw mistake('That is no e-mail address of the usual form.');
  const changed = await changes.edit(change, {
    name: read.name,
    email: email === '' ? null : email,
    vouched: isTicked(form.email_verified),
  });
  return { title: changed ? 'Saved' : 'Nothing was different' };
}

const deleteForm = z.object({ username: z.string() });

async function remove(change: Change, req: Request): Promise<Done> {
  const { username, name } = change.account;
  const typed = parseInput(deleteForm, req.body).username.trim().replace(/^@/, '');
  if (typed !== username) throw mistake('What was typed is not the user name, so nothing was deleted.');
  const projects = await changes.remove(change);
  return {
    title: `${name} was deleted`,
    text: projects === 0 ? 'There were no projects.' : `Projects that went with it: ${projects}.`,
  };
}

const correctForm = z.object({ provider: z.string(), extern_uid: z.string() });

async function correct(change: Change, req: Request): Promise<Done> {
  const form = parseInput(correctForm, req.body);
  const identity = idIn(req.params['identity']);
  const { omniauth } = change.services.config();
  if (!omniauth.providers.some(({ name }) => name === form.provider)) throw mistake('There is no such provider.');
  // The braces belong to it, and are easily left behind when it is copied.
  const externUid = uuid.safeParse(`{${form.extern_uid.trim().replace(/^\{|\}$/g, '')}}`);
  if (!externUid.success) throw mistake('A uuid looks like {0b9f1d52-6c3e-4f7a-8a11-0123456789ab}.');
  await identityChanges.correct(change, identity, { provider: form.provider, externUid: externUid.data });
  return { title: 'Corrected', text: 'All sessions have ended. The next sign-in with it tells its name.' };
}

function mistake(sentence: string): AppError {
  return new AppError('bad_request', { sentence });
}

/** Does one action and leads back: to the person, or to the list when there is none any more. */
export function act(web: Web, action: Action): RequestHandler {
  const { services, site } = web;
  return async (req, res) => {
    const accountId = idIn(req.params['id']);
    try {
      const said = await changes.changeAccount(services, { accountId, req }, (change) => action.run(change, req));
      await answerDone(web, req, res, { to: await wayBack(web, req, accountId), say: said });
    } catch (thrown) {
      const error = isTaken(thrown, web, action) ? new AppError(action.taken, { cause: thrown }) : thrown;
      await noteRefused(web, req, { action, accountId }, error);
      if (!(error instanceof AppError) || error.code !== 'bad_request' || wantsJson(req, site)) throw error;
      // A slip of the pen is told where the form is.
      await tell(req, 'Nothing was changed', error.message, 'error');
      res.redirect(303, `${site.base}/admin/users/${accountId}`);
    }
  };
}

function isTaken(
  thrown: unknown,
  { services }: Web,
  action: Action,
): action is Action & { taken: NonNullable<Action['taken']> } {
  return action.taken !== undefined && services.database.dialect.isUniqueViolation(thrown);
}

/** Who has just given up being an administrator finds the start page, not a page that is not theirs any more. */
async function wayBack({ services, site }: Web, req: Request, accountId: number): Promise<string> {
  const account = await findAccount(services.db, accountId);
  const own = accountId === req.user?.id;
  if (own && account?.admin !== 1) return `${site.base}/`;
  return account ? `${site.base}/admin/users/${accountId}` : `${site.base}/admin`;
}

/** Tries that would have harmed somebody are worth knowing; slips and forms that are out of date are not. */
async function noteRefused(
  { services }: Web,
  req: Request,
  { action, accountId }: { action: Action; accountId: number },
  error: unknown,
): Promise<void> {
  if (!(error instanceof AppError) || !['last_administrator', 'identity_taken'].includes(error.code)) return;
  const account = await findAccount(services.db, accountId);
  const event = { action: action.event, result: 'refused', reason: error.code, account } as const;
  await recordEvent(services, services.db, event, req);
}
