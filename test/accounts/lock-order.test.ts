// Changes of one person that meet take the rows of that person in one order (src/accounts/begun.ts). PostgreSQL undoes one
// of two that wait for each other; here each pair is brought to where it would come to that.
import { block, changeAccount, edit, remove } from '../../src/admin/account-changes.ts';
import { correct } from '../../src/admin/identity-changes.ts';
import { endAccess } from '../../src/accounts/membership.ts';
import { hashPassword } from '../../src/accounts/passwords.ts';
import { syncProfile } from '../../src/accounts/profile-sync.ts';
import { reset } from '../../src/commands/admin-actions.ts';
import type { Account, Identity } from '../../src/db/tables.ts';
import { onPostgres } from '../support/database.ts';
import type { Browser } from '../support/people.ts';
import { csrfOf, makeAccount, openBrowser, signInWithPassword, startBoth } from '../support/people.ts';
import type { TestApp } from '../support/start-app.ts';

const PASSWORD = 'a long enough password';
const ACCOUNT = '/-/profile/account';
const OPTIONS = {
  provider: ', allowed_workspaces: [acme]',
  omniauth: '  sync_profile_from_provider: true\n',
  yaml: 'rate_limits: { password_per_minute: 0, password_per_account: 0 }\n',
};

interface Person {
  account: Account;
  identity: Identity;
  browser: Browser;
  _csrf: string;
}

let made = 0;

/** Somebody of whom there is something in every table. */
async function makePerson(app: TestApp, password_hash: string): Promise<Person> {
  const { db, now } = app.services;
  const username = `person-${(made += 1)}`;
  const email = `${username}@example.test`;
  await makeAccount(app, { username, name: 'P', email, state: 'active', admin: 0, password_hash });
  const account = await db
    .selectFrom('accounts')
    .selectAll()
    .where('username', '=', username)
    .executeTakeFirstOrThrow();
  const account_id = account.id;
  const known = { provider: 'bitbucket', display_name: 'P', created_at: now(), last_used_at: now() };
  const identity = await db
    .insertInto('identities')
    .values({ ...known, account_id, extern_uid: `{${username}}` })
    .returningAll()
    .executeTakeFirstOrThrow();
  const expires_at = now() + 600_000;
  const waiting = { browser_hash: username, account_id, provider: 'bitbucket', profile: '{}', expires_at };
  await db.insertInto('pending_links').values(waiting).execute();
  await db.insertInto('sign_in_links').values({ token_hash: username, account_id, expires_at }).execute();
  const token = { account_id, name: 'ci', token_hash: username, scopes: 'read_user', created_at: now() };
  await db.insertInto('access_tokens').values(token).execute();
  // On another device: a change of password ends it.
  const elsewhere = { id_hash: username, account_id, data: '{}', version: 1, remembered: 0, provider: 'password' };
  await db
    .insertInto('sessions')
    .values({ ...elsewhere, created_at: now(), seen_at: now(), expires_at })
    .execute();
  const browser = openBrowser(app);
  await signInWithPassword(browser, username, PASSWORD);
  return { account, identity, browser, _csrf: csrfOf(await browser.get(ACCOUNT).expect(200)) };
}

type Work = (app: TestApp, person: Person) => Promise<unknown>;

/** One at a time: they have a lock of their own. */
const BY_ADMINISTRATORS: Record<string, Work> = {
  delete: ({ services }, { account: { id } }) => changeAccount(services, { accountId: id }, remove),
  block: ({ services }, { account: { id } }) => changeAccount(services, { accountId: id }, block),
  edit: ({ services }, { account: { id, username } }) =>
    changeAccount(services, { accountId: id }, (change) =>
      edit(change, { name: 'Q', email: `${username}@edited.test`, vouched: false }),
    ),
  correct: ({ services }, { account: { id, username }, identity }) =>
    changeAccount(services, { accountId: id }, (change) =>
      correct(change, identity.id, { provider: 'bitbucket', externUid: `{${username} corrected}` }),
    ),
};

const BY_OTHERS: Record<string, Work> = {
  'membership lost': ({ services }, { account, identity }) =>
    endAccess(services, { account, identity, because: 'not_member' }),
  'password changed': async (_app, { browser, _csrf }) => {
    const passwords = { current_password: PASSWORD, new_password: `${PASSWORD}!`, new_password_again: `${PASSWORD}!` };
    const answer = await browser
      .post(`${ACCOUNT}/password`)
      .type('form')
      .send({ _csrf, ...passwords });
    return answer.status;
  },
  'profile synced': ({ services }, { account, identity }) => {
    const email = `${account.username}@synced.test`;
    const profile = { provider: 'bitbucket', uuid: identity.extern_uid, displayName: 'S', email } as const;
    return syncProfile(services, { provider: 'bitbucket', profile: { ...profile, scopes: [] } }, account);
  },
  'password reset': ({ services }, { account }) => {
    const { db, database, config, now } = services;
    return reset({ db, dialect: database.dialect, config: config(), now, noted: [] }, account.username, {
      admin: false,
    });
  },
};

/**
 * Begins them, one shortly after the other, while everything that stands between identity and account is held.
 * @returns what each gave or threw
 */
async function meet(app: TestApp, person: Person, works: Work[]): Promise<unknown[]> {
  const { db } = app.services;
  const begin = (work: Work) => work(app, person).catch((error: unknown) => error);
  if (!onPostgres) return Promise.all(works.map(begin));
  const holding = await db.startTransaction().execute();
  for (const table of ['pending_links', 'sign_in_links', 'sessions'] as const) {
    const rows = holding.selectFrom(table).select('account_id').where('account_id', '=', person.account.id);
    await rows.forUpdate().execute();
  }
  const begun = [];
  for (const work of works) {
    begun.push(begin(work));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await holding.rollback().execute();
  return Promise.all(begun);
}

const others = Object.entries(BY_OTHERS);
/** Each with those that it can meet, no pair twice. */
const meetings = [
  ...Object.entries(BY_ADMINISTRATORS).map(([name, work]) => [name, work, others] as const),
  ...others.slice(0, -1).map(([name, work], at) => [name, work, others.slice(at + 1)] as const),
];

test.each(meetings)(
  '%s: whatever else changes the same person at the same moment, first or second, neither undoes the other',
  async (_name, work, rest) => {
    const { app } = await startBoth(OPTIONS);
    const hash = await hashPassword(PASSWORD);
    for (const [name, other] of rest) {
      for (const works of [
        [work, other],
        [other, work],
      ]) {
        const results = await meet(app, await makePerson(app, hash), works);
        const undone = results.filter((result) => result === 503 || app.services.database.dialect.isConflict(result));
        expect([name, undone]).toEqual([name, []]);
      }
    }
  },
);
