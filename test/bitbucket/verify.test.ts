// The verify callback: its forms, and what becomes of each of its answers.
import type {
  BitbucketVerify,
  BitbucketVerifyWithRequest,
  BitbucketVerifyWithRequestAndParams,
} from '../../src/bitbucket/verify.ts';
import { Browser, makeApp, type AppOptions, type Outcome } from './start-app.ts';
import { emailsReply, tokenReply, userReply, uuid } from './replies.ts';
import { json, routes, startFarEnd } from './start-far-end.ts';

async function signIn(options: AppOptions): Promise<Outcome> {
  const table = {
    '/site/oauth2/access_token': json(tokenReply),
    '/api/2.0/user': json(userReply),
    '/api/2.0/user/emails': json(emailsReply),
  };
  const { url } = await startFarEnd(routes(table));
  return new Browser(makeApp({ url, ...options })).signIn();
}

test('takes tokens, profile and done', async () => {
  const verify = (...[accessToken, refreshToken, profile, done]: Parameters<BitbucketVerify>) =>
    done(null, { accessToken, refreshToken, uuid: profile.uuid });
  const { access_token: accessToken, refresh_token: refreshToken } = tokenReply;
  expect(await signIn({ verify })).toMatchObject({ action: 'success', user: { accessToken, refreshToken, uuid } });
});

test('takes the request first', async () => {
  const verify = (...[req, , , profile, done]: Parameters<BitbucketVerifyWithRequest>) =>
    done(null, { path: req.path, uuid: profile.uuid });
  expect(await signIn({ verify, passReqToCallback: true })).toMatchObject({ user: { path: '/users/auth', uuid } });
});

test('takes the request first and the parameters of the token, when it declares six parameters', async () => {
  // eslint-disable-next-line max-params -- their number is what passport-oauth2 goes by
  const verify: BitbucketVerifyWithRequestAndParams = (req, _accessToken, _refreshToken, params, profile, done) =>
    done(null, { path: req.path, scope: params.scope, uuid: profile.uuid });
  const user = { path: '/users/auth', scope: 'account email', uuid };
  expect(await signIn({ verify, passReqToCallback: true })).toMatchObject({ user });
});

test('its false and its reasons go to the host as they are', async () => {
  const verify = (...[, , , done]: Parameters<BitbucketVerify>) => done(null, false, { why: 'not a member' });
  expect(await signIn({ verify })).toEqual({ action: 'fail', why: 'not a member' });
});

test('its errors, given or thrown, go to the host as they are', async () => {
  const gives = (...[, , , done]: Parameters<BitbucketVerify>) => done(new Error('database away'));
  const throws = () => {
    throw new Error('database away');
  };
  expect(await signIn({ verify: gives })).toEqual({ action: 'error', message: 'database away' });
  expect(await signIn({ verify: throws })).toEqual({ action: 'error', message: 'database away' });
});
