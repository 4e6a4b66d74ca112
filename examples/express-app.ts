// "Sign in with Bitbucket" in a plain Express application. src/bitbucket/README.md says how to run it.
import { randomBytes } from 'node:crypto';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import session from 'express-session';
import passport from 'passport';
import { BitbucketFailure } from '../src/bitbucket/failure.ts';
import { BitbucketStrategy } from '../src/bitbucket/strategy.ts';

const { PORT = '3000', BITBUCKET_URL, BITBUCKET_APP_KEY = '', BITBUCKET_APP_SECRET = '' } = process.env;
const consumer = { clientID: BITBUCKET_APP_KEY, clientSecret: BITBUCKET_APP_SECRET, url: BITBUCKET_URL };
const callbackURL = `http://localhost:${PORT}/users/auth`;

passport.use(
  new BitbucketStrategy({ ...consumer, callbackURL }, (_accessToken, _refreshToken, profile, done) => {
    // Here you find or make your own user by profile.uuid. Names and addresses are no keys: they change hands.
    done(null, { uuid: profile.uuid, name: profile.displayName });
  }),
);
passport.serializeUser((user, done) => done(null, user));
passport.deserializeUser((user: Express.User, done) => done(null, user));

const start = passport.authenticate('bitbucket') as RequestHandler;
const finish = passport.authenticate('bitbucket', { failureRedirect: '/', successRedirect: '/' }) as RequestHandler;

const app = express();
app.use(session({ secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }));
app.use(passport.session());

app.get('/', (req, res) => {
  if (req.user) res.json(req.user);
  else res.send('<form method="post" action="/users/auth/bitbucket"><button>Sign in with Bitbucket</button></form>');
});

app.post('/users/auth/bitbucket', (req, res, next) => {
  // Other sites must not start a sign-in in somebody's browser. An application with CSRF tokens checks its token here.
  if ((req.get('sec-fetch-site') ?? 'same-origin') !== 'same-origin') res.sendStatus(403);
  else start(req, res, next);
});

app.get('/users/auth', finish);

app.use((error: unknown, _req: Request, res: Response, next: NextFunction) => {
  if (!(error instanceof BitbucketFailure)) return next(error);
  process.stderr.write(`${error.message}\n`);
  res.status(error.status).send('Bitbucket cannot sign you in at the moment. <a href="/">Back</a>');
});

export const server = app.listen(Number(PORT), 'localhost');
