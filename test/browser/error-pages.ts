// Every error page that somebody can get to see, and how.
import type { Fault, FaultTarget } from '../../src/sandbox/faults.ts';
import { answer, continueAs, goThroughBitbucket, typePassword } from './people.ts';
import type { PageCase } from './world.ts';
import { addWaitingAccount, clickBitbucket, configure, openSignInPage } from './world.ts';

export const REFUSALS_AFTER_BITBUCKET: PageCase[] = [
  [
    'cancelled',
    'Sign-in cancelled',
    async (world) => {
      await clickBitbucket(world);
      await continueAs(world.page, 'Alice');
      await answer(world.page, 'Cancel');
    },
  ],
  [
    'not-member',
    'You are not in an admitted workspace',
    async (world) => {
      configure(world, ', allowed_workspaces: [elm-books]');
      await clickBitbucket(world);
      await answer(world.page, 'Allow');
    },
  ],
  [
    'no-sign-up',
    'There is no account for you yet',
    async (world) => {
      configure(world, '', 'allow_single_sign_on: false');
      await clickBitbucket(world);
    },
  ],
  [
    'email-taken',
    'Your e-mail address is in use here',
    async (world) => {
      configure(world, '', 'block_auto_created_users: true');
      await addWaitingAccount(world, 'an-older-one', 'alice@example.test');
      await clickBitbucket(world);
    },
  ],
  [
    'waiting',
    'Your account waits for approval',
    async (world) => {
      await world.app.services.db.updateTable('accounts').set({ email: null, email_key: null }).execute();
      await clickBitbucket(world);
    },
  ],
  [
    'blocked',
    'This account is blocked',
    async (world) => {
      const alice = world.app.services.db.updateTable('accounts').where('username', '=', 'alice');
      await alice.set({ state: 'blocked' }).execute();
      await clickBitbucket(world);
    },
  ],
];

/** Whatever was wrong before is right again; then this goes wrong, and somebody clicks. */
function trouble(target: FaultTarget, fault: Fault): PageCase[2] {
  return async (world) => {
    world.sandbox.clearFaults();
    world.sandbox.fault(target, fault);
    await clickBitbucket(world);
  };
}

export const TROUBLE_WITH_BITBUCKET: PageCase[] = [
  [
    'code-refused',
    'Bitbucket did not accept the sign-in',
    async ({ page, app, sandbox }) => {
      sandbox.fault('token', { kind: 'answer', status: 400, json: { error: 'invalid_grant' } });
      await page.goto(app.url);
      await goThroughBitbucket(page, 'Alice');
    },
  ],
  [
    'misconfigured',
    'Bitbucket sign-in is not set up right',
    trouble('token', { kind: 'answer', status: 401, json: { error: 'unauthorized_client' } }),
  ],
  ['failed', 'Bitbucket did not answer properly', trouble('user', { kind: 'answer', status: 500, json: {} })],
  ['busy', 'Bitbucket is too busy', trouble('user', { kind: 'answer', status: 429, json: {} })],
  ['too-slow', 'Bitbucket took too long to answer', trouble('user', { kind: 'stall', at: 'headers' })],
  [
    'bitbucket-down',
    'Sign in',
    async (world) => {
      const { app, page, sandbox } = world;
      sandbox.clearFaults();
      sandbox.fault('user', { kind: 'answer', status: 500, json: {} });
      // What many people's tries in a row come to.
      while (!app.services.http.isDown(new URL(sandbox.apiUrl).origin)) {
        await app.services.http.send({ endpoint: 'user', url: `${sandbox.apiUrl}/user` });
      }
      await openSignInPage(world);
      await page.getByText('Bitbucket has not answered lately').waitFor();
    },
  ],
];

export const OTHER_ERRORS: PageCase[] = [
  ['invalid-state', 'This sign-in is no longer valid', ({ page, app }) => page.goto(`${app.url}/users/auth?state=x`)],
  ['no-such-provider', 'No such way to sign in', ({ page, app }) => page.goto(`${app.url}/users/auth/elsewhere`)],
  ['wrong-method', 'Not possible that way', ({ page, app }) => page.goto(`${app.url}/users/auth/bitbucket`)],
  ['not-found', 'Not found', ({ page, app }) => page.goto(`${app.url}/nowhere`)],
  ['wrong-host', 'Wrong address', ({ page, app }) => page.goto(`http://elsewhere.localhost:${app.port}/`)],
  [
    'old-form',
    'This form was out of date',
    async (world) => {
      await openSignInPage(world);
      await world.page.context().clearCookies();
      await typePassword(world.page);
    },
  ],
  [
    'too-large',
    'That was too much',
    async (world) => {
      await openSignInPage(world);
      await typePassword(world.page, 'x'.repeat(200_000));
    },
  ],
  [
    'not-understood',
    'That request was not understood',
    async (world) => {
      await openSignInPage(world);
      await typePassword(world.page, 'x', 'x'.repeat(1000));
    },
  ],
  [
    'too-many-tries',
    'Too many tries',
    async (world) => {
      configure(world, '', '', 'rate_limits: { password_per_account: 1 }');
      for (let tries = 1; tries <= 2; tries += 1) {
        await openSignInPage(world);
        await typePassword(world.page, 'not the password');
      }
    },
  ],
  [
    'our-fault',
    'Something went wrong here',
    async (world) => {
      configure(world, '');
      await world.app.services.db.schema.dropTable('limits').execute();
      await openSignInPage(world);
      await typePassword(world.page);
    },
  ],
  [
    'database-away',
    'Back in a moment',
    async (world) => {
      await world.app.services.db.destroy();
      world.app.services.settings.forget(); // the page before has just read them, and they are good for half a second
      await openSignInPage(world); // which buttons it has is asked of the database
    },
  ],
];
