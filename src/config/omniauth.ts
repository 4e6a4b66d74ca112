// The part of the schema about signing in with Bitbucket; the words are GitLab's.
import { z } from 'zod';
import { baseUrl, choice, consumerText, flag, flagOrNames, section, settings, text, wholeNumber } from './fields.ts';

/** Names that would clash with routes or with JavaScript's own property names. */
const RESERVED_NAMES = ['__proto__', 'constructor', 'prototype', 'callback', 'failure', 'session'];

const providerName = () =>
  text(
    'a name of small letters, digits, - and _ that is not reserved',
    (value) => /^[a-z0-9_-]{1,64}$/.test(value) && !RESERVED_NAMES.includes(value),
  );

const workspace = text('the slug or {uuid} of a workspace', (value) =>
  /^([a-z0-9_][a-z0-9_.-]*|\{[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\})$/i.test(value),
);

const args = section({
  scope: z
    .union([z.string(), z.array(z.string('a scope'))], 'a scope or a list of scopes')
    .optional()
    .register(settings, {
      about: 'Permissions to ask for. Signing in needs account and email.',
      defaultText: 'what signing in needs',
      example: 'account email',
    }),
  pkce: flag().default(true).register(settings, { about: 'Protect the authorization code with PKCE (RFC 7636).' }),
  strategy: choice(['bitbucket'])
    .optional()
    .register(settings, { about: 'bitbucket; needed when the provider has another name.', example: 'bitbucket' }),
  redirect_uri: text('<external_url>/users/auth').optional().register(settings, {
    about: 'As in GitLab; not needed. If it is there it must be <external_url>/users/auth.',
    defaultText: '<external_url>/users/auth',
    example: 'http://localhost:3000/users/auth',
  }),
});

/** A second consumer, so that people who only sign in are not asked for access to their code. */
const importConsumer = section({
  app_id: consumerText('key').register(settings, {
    about: 'Key of a second consumer, with repository permissions, for importing only.',
    example: 'the key of the import consumer',
  }),
  app_secret: consumerText('secret').register(settings, {
    about: 'Secret of that second consumer.',
    example: 'the secret of the import consumer',
    secret: true,
  }),
});

const provider = section({
  name: providerName().register(settings, {
    about: 'Name of the provider in addresses and in other settings.',
    example: 'bitbucket',
  }),
  label: text('a text of at most 100 characters', (value) => /^\P{Cc}{1,100}$/u.test(value))
    .optional()
    .register(settings, {
      about: 'The button says "Sign in with <label>".',
      defaultText: 'Bitbucket',
      example: 'Bitbucket',
    }),
  app_id: consumerText('key').register(settings, {
    about: 'Key of your OAuth consumer (Bitbucket: workspace settings → Apps and features → OAuth consumers).',
    env: 'BITBUCKET_APP_KEY',
    example: 'the consumer key',
  }),
  app_secret: consumerText('secret').register(settings, {
    about: 'Secret of your OAuth consumer.',
    env: 'BITBUCKET_APP_SECRET',
    example: 'the consumer secret',
    secret: true,
  }),
  url: baseUrl('the address of Bitbucket')
    .default('https://bitbucket.org/')
    .register(settings, { about: "Bitbucket's address." }),
  api_url: baseUrl("the address of Bitbucket's API").optional().register(settings, {
    about: "Address of Bitbucket's API.",
    defaultText: 'https://api.bitbucket.org/2.0 for bitbucket.org, else <url>api/2.0',
    example: 'https://api.bitbucket.org/2.0',
  }),
  icon: text(
    'a path to an image file or a data:image/… URI',
    (value) =>
      /^data:image\/(png|jpeg|gif|webp|avif|svg\+xml|x-icon)[;,][^\s"'<>\\]*$/.test(value) ||
      /^(?!\/\/)[^\s:"'<>\\?#\p{Cc}]{1,200}$/u.test(value),
  )
    .optional()
    .register(settings, {
      about: 'Icon of the button: an image file of up to 64 KiB or a data:image/… URI.',
      defaultText: "Bitbucket's",
      example: "'data:image/svg+xml;base64,PHN2Zy8+'",
    }),
  allowed_workspaces: z
    .array(workspace, 'a list of workspace slugs or {uuid}s')
    .min(1, 'at least one workspace (leave the key out to let everybody in)')
    .optional()
    .register(settings, {
      about: 'Only members of one of these workspaces may sign in: slugs or {uuid}s.',
      defaultText: 'everybody',
      example: '[my-workspace]',
    }),
  args: args.prefault({}),
  import: importConsumer.optional(),
});

/** The section `omniauth`. */
export const omniauth = section({
  enabled: flag().default(true).register(settings, { about: 'Signing in with the providers below.' }),
  allow_single_sign_on: flagOrNames()
    .default(true)
    .register(settings, { about: 'May a first sign-in create an account? true, false or a list of provider names.' }),
  block_auto_created_users: flag()
    .default(false)
    .register(settings, { about: 'true: an account made by a first sign-in waits for approval.' }),
  auto_link_user: flagOrNames().default(false).register(settings, {
    about:
      'Join an existing account with the same e-mail, where both sides verified it: true, false or provider names.',
  }),
  external_providers: z
    .array(z.string('a provider name'), 'a list of provider names')
    .default([])
    .register(settings, { about: 'People of these providers become external users.' }),
  sync_profile_from_provider: flagOrNames()
    .default(false)
    .register(settings, { about: 'Renew the profile at every sign-in: true, false or provider names.' }),
  sync_profile_attributes: z
    .array(choice(['name', 'email']), 'a list of name, email')
    .default(['name', 'email'])
    .register(settings, { about: 'What sync_profile_from_provider renews.' }),
  auto_sign_in_with_provider: z.string('a provider name').optional().register(settings, {
    about: 'Name of the provider to go to at once when the sign-in page opens.',
    example: 'bitbucket',
  }),
  recheck_minutes: wholeNumber(1, 1440).default(15).register(settings, {
    about: 'With allowed_workspaces: minutes after which people who are signed in are asked for at Bitbucket again.',
  }),
  recheck_grace_hours: wholeNumber(0, 720).default(24).register(settings, {
    about: 'Hours for which they stay when Bitbucket does not answer that question.',
  }),
  providers: z
    .array(provider, 'a list of providers')
    .default([])
    .register(settings, { about: 'Your Bitbucket, with the key and secret of an OAuth consumer of your workspace.' }),
});
