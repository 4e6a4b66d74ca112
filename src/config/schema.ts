// THE schema: every setting with its type, bounds, default, meaning and environment variable (omniauth.ts has one section).
// The types, the loader, the example files and the README's table are derived from it.
import { z } from 'zod';
import { baseUrl, choice, flag, host, networks, section, settings, text, wholeNumber } from './fields.ts';
import { omniauth } from './omniauth.ts';

const secretKey = text(
  'at least 32 characters (make one with: openssl rand -hex 32)',
  (value) => value.trim().length >= 32,
);

/** The whole configuration as an administrator writes it. */
export const schema = section({
  external_url: baseUrl('the public address of this server', (url) => !/\/users\/auth\/?$/.test(url))
    .optional()
    .register(settings, {
      about: 'Public address of this server, may have a path. https unless it is this machine.',
      env: 'GATEHOUSE_URL',
      restart: true,
      defaultText: 'http://localhost:<port>',
      example: 'https://gatehouse.example.com',
    }),
  listen: section({
    host: host()
      .default('127.0.0.1')
      .register(settings, { about: 'Address to listen on.', env: 'GATEHOUSE_HOST', restart: true }),
    port: wholeNumber(1, 65535)
      .default(3000)
      .register(settings, { about: 'Port to listen on.', env: 'PORT', restart: true }),
    leave_seconds: wholeNumber(0, 60).default(0).register(settings, {
      about: 'After a signal to stop: seconds for which /-/readiness says 503 and everything else goes on as before.',
      env: 'GATEHOUSE_LEAVE_SECONDS',
    }),
  }).prefault({}),
  trusted_proxies: networks().default([]).register(settings, {
    about: 'Addresses or CIDR ranges of proxies whose X-Forwarded-For is believed; nobody by default.',
    env: 'TRUSTED_PROXIES',
    restart: true,
  }),
  data_dir: text('the path of a directory').default('data').register(settings, {
    about: 'Directory of the SQLite file and of generated keys.',
    env: 'GATEHOUSE_DATA_DIR',
    restart: true,
  }),
  database_url: text(
    'sqlite, sqlite:PATH or postgres://user:password@host/database',
    (value) => /^(sqlite|sqlite:.+)$/.test(value) || isPostgresUrl(value),
  )
    .default('sqlite')
    .register(settings, {
      about: 'sqlite (data_dir/gatehouse.db), sqlite:PATH or postgres://user:password@host/database.',
      env: 'DATABASE_URL',
      secret: true,
      restart: true,
    }),
  secret_key: z
    .union(
      [secretKey, z.array(secretKey).min(1, 'at least one key')],
      'a text of at least 32 characters or a list of them',
    )
    .optional()
    .register(settings, {
      about: 'Signs cookies and seals tokens; at least 32 characters. A list (newest first) rotates it.',
      env: 'GATEHOUSE_SECRET_KEY',
      secret: true,
      restart: true,
      defaultText: 'generated in data_dir with SQLite, required otherwise',
      example: "'see: openssl rand -hex 32'",
    }),
  session: section({
    idle_minutes: wholeNumber(1, 525_600)
      .default(480)
      .register(settings, { about: 'Minutes without a request after which a session ends.' }),
    absolute_hours: wholeNumber(1, 8_760)
      .default(24)
      .register(settings, { about: 'Hours after which a session ends in any case.' }),
    remember_me_days: wholeNumber(1, 400)
      .default(14)
      .register(settings, { about: 'Days a session lasts with "Remember me".' }),
  }).prefault({}),
  password_sign_in: flag().default(true).register(settings, { about: 'The regular form with user name and password.' }),
  omniauth: omniauth.prefault({}),
  import: section({
    enabled: flag().default(true).register(settings, { about: 'Importing projects from Bitbucket.' }),
    concurrency: wholeNumber(1, 64)
      .default(2)
      .register(settings, { about: 'How many imports one process works on at the same time.' }),
    resync: choice(['never', 'daily'])
      .default('never')
      .register(settings, { about: 'Brings imported projects up to date by itself: never or daily.' }),
    max_repository_mb: wholeNumber(1, 10_000_000)
      .default(20_480)
      .register(settings, { about: 'Megabytes that the git repository of a project may have.' }),
  }).prefault({}),
  rate_limits: section({
    oauth_per_minute: wholeNumber(0, 1_000_000).default(60).register(settings, {
      about: 'Started sign-ins and failed callbacks per minute and client address; 0 = no limit.',
    }),
    password_per_minute: wholeNumber(0, 1_000_000).default(20).register(settings, {
      about: 'Tries of the regular form, and refused access tokens, per minute and client address; 0 = no limit.',
    }),
    password_per_account: wholeNumber(0, 1_000_000)
      .default(10)
      .register(settings, { about: 'Wrong passwords per account in 15 minutes; 0 = no limit.' }),
  }).prefault({}),
  monitoring: section({
    allow: networks()
      .default(['127.0.0.0/8', '::1'])
      .register(settings, { about: 'Addresses or CIDR ranges that may read /-/metrics.' }),
  }).prefault({}),
  smtp: section({
    url: text('smtp://user:password@host:port or smtps://…', isSmtpUrl).optional().register(settings, {
      about:
        'Mail server for notices to people (smtp:// or smtps://, user and password percent-encoded); none = no mail.',
      env: 'GATEHOUSE_SMTP_URL',
      secret: true,
      defaultText: 'no mail is sent',
      example: "'smtp://user:password@mail.example.com:587'",
    }),
    from: text('an e-mail address, or Name <address>', isSender).optional().register(settings, {
      about: 'Sender of those mails.',
      defaultText: 'Gatehouse <gatehouse@host of external_url>',
      example: "'Gatehouse <gatehouse@example.com>'",
    }),
  }).prefault({}),
  audit: section({
    keep_days: wholeNumber(0, 36_500)
      .default(365)
      .register(settings, { about: 'Days after which events leave the audit log; 0 = never.' }),
  }).prefault({}),
  log: section({
    level: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info')
      .register(settings, { about: 'What is logged: trace, debug, info, warn, error, fatal or silent.' }),
    format: choice(['json', 'pretty'])
      .default('json')
      .register(settings, { about: 'json (one object per line) or pretty.', restart: true }),
  }).prefault({}),
  root_password: text(
    'at least 8 characters and at most 1024 bytes',
    (value) => [...value].length >= 8 && Buffer.byteLength(value) <= 1024,
  )
    .optional()
    .register(settings, {
      about: 'Password of root, the first administrator, when the database is new; at least 8 characters.',
      env: 'GATEHOUSE_ROOT_PASSWORD',
      secret: true,
      environmentOnly: true,
      defaultText: 'a random one in data_dir/initial_root_password',
    }),
});

/** A host is needed, except where `?host=` names a socket's directory. */
function isPostgresUrl(value: string): boolean {
  if (!/^postgres(ql)?:\/\/\S+$/.test(value) || !URL.canParse(value)) return false;
  const { hostname, searchParams } = new URL(value);
  return hostname !== '' || searchParams.has('host');
}

/** Without a query: nodemailer would take any of its settings from there. */
function isSmtpUrl(value: string): boolean {
  if (!/^smtps?:\/\/[^\s?#]+$/.test(value) || !URL.canParse(value)) return false;
  const { hostname, pathname, username, password } = new URL(value);
  return hostname !== '' && /^\/?$/.test(pathname) && [username, password].every(canDecode);
}

function canDecode(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined;
  } catch {
    return false;
  }
}

function isSender(value: string): boolean {
  return /^([^<>@\r\n]+ )?<?[^\s<>@]+@[^\s<>@]+>?$/.test(value) && value.includes('<') === value.endsWith('>');
}

/** The configuration as written, defaults filled in, before complete() derives what follows from it. */
export type WrittenConfig = z.output<typeof schema>;
type WrittenProvider = WrittenConfig['omniauth']['providers'][number];

/** A sign-in provider, ready for use: `url` ends with a slash, `api_url` does not. */
export type ProviderConfig = Omit<WrittenProvider, 'label' | 'api_url' | 'args'> & {
  label: string;
  api_url: string;
  args: { pkce: boolean; scope?: string[]; strategy?: 'bitbucket' };
};

/** The configuration the program runs with; paths are absolute, `external_url` has no trailing slash. */
export type Config = Omit<WrittenConfig, 'external_url' | 'secret_key' | 'omniauth'> & {
  external_url: string;
  /** Newest first; absent = generated in data_dir by whoever opens the SQLite database. */
  secret_key?: string[];
  omniauth: Omit<WrittenConfig['omniauth'], 'providers'> & { providers: ProviderConfig[] };
};
