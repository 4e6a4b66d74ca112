// The configured providers as Passport strategies. A reload replaces them; flows that are under way go on by name.
import type { Request } from 'express';
import type { Workspace } from '../bitbucket/workspaces.ts';
import { BitbucketClient } from '../bitbucket/client.ts';
import type { Http } from '../bitbucket/http.ts';
import type { BitbucketProfile } from '../bitbucket/profile.ts';
import type { StateStore } from '../bitbucket/state-store.ts';
import type { BitbucketVerifyWithRequestAndParams } from '../bitbucket/verify.ts';
import { BitbucketStrategy } from '../bitbucket/strategy.ts';
import type { Config, ProviderConfig } from '../config/schema.ts';
import type { Account, FlowPurpose } from '../db/tables.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import type { Site } from '../web/site.ts';
import type { Passport } from '../web/web.ts';
import type { Flows } from './flows.ts';
import { findIdentityOwner } from './store.ts';
import { importConsumer } from './token-holders.ts';
import { isImportSource, isSignInSource } from './ways-in.ts';

/** What the host's pages keep with a started flow; comes back as Passport's `info.state`. */
export interface FlowState {
  purpose: FlowPurpose;
  /** Who started it; undefined for signing in. */
  accountId: number | undefined;
  returnTo: string | undefined;
  rememberMe: boolean;
}

/** What Bitbucket has told of whoever came back from it. */
export interface Arrival {
  profile: BitbucketProfile;
  tokens: ArrivalTokens;
  /** All workspaces of the person; undefined where `allowed_workspaces` does not ask for them. */
  workspaces: Workspace[] | undefined;
}

export interface ArrivalTokens {
  accessToken: string;
  refreshToken: string | undefined;
  /** Seconds. */
  expiresIn: number;
  scopes: string[];
}

/** To read repositories and pull requests. Nothing that writes or administers is asked for. */
export const IMPORT_SCOPES = ['account', 'repository', 'pullrequest', 'project'];

interface StrategyParts {
  name: string;
  consumer: Pick<ProviderConfig, 'app_id' | 'app_secret'>;
  scope: string[] | undefined;
  verify: BitbucketVerifyWithRequestAndParams;
}

export class Providers {
  readonly #services: Services;
  readonly #site: Site;
  readonly #flows: Flows;
  readonly #passport: Passport;
  #registered: Config | undefined;

  constructor(services: Services, site: Site, flows: Flows, passport: Passport) {
    this.#services = services;
    this.#site = site;
    this.#flows = flows;
    this.#passport = passport;
  }

  /** All providers of the configuration, in its order, whether people may sign in with them or not. */
  configured(): ProviderConfig[] {
    return this.#services.config().omniauth.providers;
  }

  /** In words what was signed in with: `password`, `link`, or a provider, whose name has to do when it is gone. */
  wayInWords(by: string): string {
    if (by === 'password') return 'Username and password';
    if (by === 'link') return 'One-time link';
    return this.configured().find(({ name }) => name === by)?.label ?? by;
  }

  /** Providers that people may import from, whether they may sign in with them or not. */
  async importSources(): Promise<ProviderConfig[]> {
    const { config, settings } = this.#services;
    const current = await settings.current();
    return this.configured().filter(({ name }) => isImportSource(name, config(), current));
  }

  /** Providers that people may sign in with. */
  async list(): Promise<ProviderConfig[]> {
    const { config, settings } = this.#services;
    const current = await settings.current();
    return this.configured().filter(({ name }) => isSignInSource(name, config(), current));
  }

  /** A provider that people may sign in and connect with. @throws AppError `no_provider` */
  async get(name: string): Promise<ProviderConfig> {
    return named(await this.list(), name);
  }

  /**
   * A provider that is switched on for this, and the name of its strategy with Passport. Asked for at the start and again
   * at the callback: who knows the address of a button that is gone gets nowhere.
   * @throws AppError `no_provider`
   */
  async open(name: string, purpose: FlowPurpose): Promise<{ provider: ProviderConfig; strategy: string }> {
    const importing = purpose === 'import';
    const provider = named(await (importing ? this.importSources() : this.list()), name);
    this.#register();
    return { provider, strategy: importing ? importStrategy(name) : name };
  }

  #register(): void {
    const config = this.#services.config();
    if (this.#registered === config) return;
    for (const provider of config.omniauth.providers) {
      this.#passport.use(provider.name, this.#strategy(provider));
      this.#passport.use(importStrategy(provider.name), this.#importStrategy(provider));
    }
    this.#registered = config;
  }

  #strategy(provider: ProviderConfig): BitbucketStrategy {
    const client = clientOf(provider, this.#services.http);
    const { scope } = provider.args;
    // eslint-disable-next-line max-params -- passport-oauth2's contract
    const verify: BitbucketVerifyWithRequestAndParams = (req, accessToken, refreshToken, params, profile, done) => {
      const scopes = params.scope.split(' ');
      const tokens: ArrivalTokens = { accessToken, refreshToken, expiresIn: params.expires_in, scopes };
      const list = () => client.listWorkspaces(accessToken, req.deadline);
      const owner = async () => (await findIdentityOwner(this.#services.db, provider.name, profile.uuid))?.account;
      requireMembership(provider, list, owner).then(
        (workspaces) => done(null, { profile, tokens, workspaces } satisfies Arrival),
        (error: unknown) => done(error),
      );
    };
    return this.#withBitbucket(provider, { name: provider.name, consumer: provider, scope, verify });
  }

  /** The consent to import is asked for by itself, when somebody imports: who only signs in is not asked for their code. */
  #importStrategy(provider: ProviderConfig): BitbucketStrategy {
    // eslint-disable-next-line max-params -- passport-oauth2's contract
    const verify: BitbucketVerifyWithRequestAndParams = (_req, accessToken, refreshToken, params, profile, done) => {
      const scopes = params.scope.split(' ');
      const tokens: ArrivalTokens = { accessToken, refreshToken, expiresIn: params.expires_in, scopes };
      done(null, { profile, tokens, workspaces: undefined } satisfies Arrival);
    };
    const name = importStrategy(provider.name);
    return this.#withBitbucket(provider, { name, consumer: importConsumer(provider), scope: IMPORT_SCOPES, verify });
  }

  #withBitbucket(provider: ProviderConfig, { name, consumer, scope, verify }: StrategyParts): BitbucketStrategy {
    return new BitbucketStrategy(
      {
        name,
        clientID: consumer.app_id,
        clientSecret: consumer.app_secret,
        callbackURL: this.#site.callbackUrl,
        url: provider.url,
        apiUrl: provider.api_url,
        pkce: provider.args.pkce,
        http: this.#services.http,
        passReqToCallback: true,
        store: this.#stateStore(provider.name),
        ...(scope ? { scope } : {}),
      },
      verify,
    );
  }

  /** Our flow records behind passport-oauth2's contract for state stores. */
  #stateStore(provider: string): StateStore {
    return {
      // eslint-disable-next-line max-params -- passport-oauth2's contract
      store: (req, codeVerifier = '', state, _meta, done) => {
        const flow = { browserHash: this.#browser(req), provider, codeVerifier, ...(state as FlowState) };
        this.#flows.start(flow).then((handle) => done(null, handle), done);
      },
      verify: (req, handle, _meta, done) => {
        const given = (flow: Awaited<ReturnType<Flows['take']>>) => {
          if (!flow) return done(null, false);
          const state: FlowState = {
            purpose: flow.purpose,
            accountId: flow.account_id ?? undefined,
            returnTo: flow.return_to ?? undefined,
            rememberMe: flow.remember_me === 1,
          };
          done(null, flow.code_verifier === '' ? true : flow.code_verifier, state);
        };
        this.#flows.take(handle, this.#browser(req), provider).then(given, done);
      },
    };
  }

  #browser(req: Request): string {
    return browserHash(findBrowserId(req, this.#site) ?? '');
  }
}

function named(providers: ProviderConfig[], name: string): ProviderConfig {
  const provider = providers.find((candidate) => candidate.name === name);
  if (!provider) throw new AppError('no_provider');
  return provider;
}

/** No provider is named like this: their names have no space. */
function importStrategy(provider: string): string {
  return `${provider} import`;
}

/** Asks the API of a provider. */
export function clientOf({ url, api_url: apiUrl }: ProviderConfig, http: Http): BitbucketClient {
  return new BitbucketClient({ url, apiUrl, http });
}

/**
 * With `allowed_workspaces` only their members come in; if the list cannot be read, nobody does.
 * @param owner whose account it would have been
 */
async function requireMembership(
  provider: ProviderConfig,
  list: () => Promise<Workspace[]>,
  owner: () => Promise<Account | undefined>,
): Promise<Workspace[] | undefined> {
  if (!provider.allowed_workspaces) return undefined;
  const workspaces = await list();
  if (!isMember(provider, workspaces)) throw new AppError('not_member', { account: await owner() });
  return workspaces;
}

/** Whether somebody with these workspaces is admitted. By uuid or slug; workspaces in capitals are the same ones. */
export function isMember(
  { allowed_workspaces }: ProviderConfig,
  workspaces: readonly Pick<Workspace, 'uuid' | 'slug'>[],
): boolean {
  return !allowed_workspaces || admitting(allowed_workspaces, workspaces).length > 0;
}

/** Those of the workspaces that admit their members. */
export function admitting<W extends Pick<Workspace, 'uuid' | 'slug'>>(
  allowedWorkspaces: readonly string[],
  workspaces: readonly W[],
): W[] {
  const allowed = new Set(allowedWorkspaces.map((workspace) => workspace.toLowerCase()));
  return workspaces.filter(({ uuid, slug }) => allowed.has(uuid) || allowed.has(slug));
}
