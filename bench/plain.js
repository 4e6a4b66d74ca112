// Baseline "plain": the application that tutorials build from the same parts, express-session with its memory store and
// passport-oauth2 as it is. It asks Bitbucket the same three questions, and stores nothing.
import express from 'express';
import session from 'express-session';
import passport from 'passport';
import OAuth2Strategy from 'passport-oauth2';

const bitbucketUrl = process.argv[2];
const app = express();
const server = app.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  passport.use('bitbucket', strategy(`${url}/users/auth`));
  process.send({ url });
});
server.keepAliveTimeout = 300_000;

passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user, done) => done(null, user));

app
  .set('views', import.meta.dirname)
  .set('view engine', 'ejs')
  .enable('view cache');
app.use(session({ secret: 'a secret of this benchmark', resave: false, saveUninitialized: false }));
app.use(passport.session());
app.get('/users/sign_in', showPage);
app.post('/users/auth/bitbucket', passport.authenticate('bitbucket'));
app.get('/users/auth', passport.authenticate('bitbucket'), (_req, res) => res.redirect('/'));
app.get('/api/v4/user', (req, res) => (req.user ? res.json(req.user) : res.sendStatus(401)));

function showPage(req, res) {
  const returnTo = String(req.query.return_to ?? '');
  res.render('sign-in', { title: 'Sign in', returnTo, providers: [{ name: 'bitbucket', label: 'Bitbucket' }] });
}

function strategy(callbackURL) {
  const options = {
    authorizationURL: `${bitbucketUrl}site/oauth2/authorize`,
    tokenURL: `${bitbucketUrl}site/oauth2/access_token`,
    clientID: 'bench-key',
    clientSecret: 'bench-secret',
    scope: ['account', 'email'],
    callbackURL,
    pkce: true,
    state: true,
  };
  const made = new OAuth2Strategy(options, (_token, _refreshToken, profile, done) => done(null, profile));
  made._oauth2.useAuthorizationHeaderforGET(true);
  made.userProfile = (token, done) => loadProfile(made._oauth2, token, done);
  return made;
}

function loadProfile(client, token, done) {
  client.get(`${bitbucketUrl}api/2.0/user`, token, (error, userText) => {
    if (error) return done(error);
    client.get(`${bitbucketUrl}api/2.0/user/emails`, token, (error, emailsText) => {
      if (error) return done(error);
      const user = JSON.parse(userText);
      const email = JSON.parse(emailsText).values.find((entry) => entry.is_primary && entry.is_confirmed)?.email;
      const identities = [{ provider: 'bitbucket', extern_uid: user.uuid }];
      const { username, display_name: name } = user;
      done(null, { id: 1, username, name, email, state: 'active', admin: false, identities });
    });
  });
}

process.on('disconnect', () => process.exit());
