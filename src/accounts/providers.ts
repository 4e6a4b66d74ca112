// The configured providers as Passport strategies. A reload replaces them; flows that are under way go on by name.
import type { Request } from 'express';
import { BitbucketClient } from '../bitbucket/client.ts';
import type { StateStore } from '../bitbucket/state-store.ts';
import type { BitbucketVerifyWithRequest } from '../bitbucket/verify.ts';
import { BitbucketStrategy } from '../bitbucket/strategy.ts';
import type { Config, ProviderConfig } from '../config/schema.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services.ts';
import { browserHash, findBrowserId } from '../web/browser.ts';
import type { Site } from '../web/site.ts';
import type { Passport } from '../web/web.ts';
import type { Flows } from './flows.ts';

/** What the host's pages keep with a started flow; comes back as Passport's `info.state`. */
export interface FlowState {
  returnTo: string | undefined;
  rememberMe: boolean;
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

  /** Providers that people may sign in with, in the order of the configuration. */
  list(): ProviderConfig[] {
    const { enabled, providers } = this.#services.config().omniauth;
    return enabled ? providers : [];
  }

  /** @returns the provider, its strategy registered with Passport. @throws AppError `no_provider` */
  get(name: string): ProviderConfig {
    const provider = this.list().find((candidate) => candidate.name === name);
    if (!provider) throw new AppError('no_provider');
    this.#register();
    return provider;
  }

  #register(): void {
    const config = this.#services.config();
    if (this.#registered === config) return;
    for (const provider of config.omniauth.providers) this.#passport.use(provider.name, this.#strategy(provider));
    this.#registered = config;
  }

  #strategy(provider: ProviderConfig): BitbucketStrategy {
    const { http } = this.#services;
    const client = new BitbucketClient({ url: provider.url, apiUrl: provider.api_url, http });
    const { scope, pkce } = provider.args;
    // The tokens end here: nothing needs them later, and what is not kept cannot be stolen.
    // eslint-disable-next-line max-params -- passport-oauth2's contract
    const verify: BitbucketVerifyWithRequest = (req, accessToken, _refreshToken, profile, done) => {
      requireMembership(provider, () => client.listWorkspaces(accessToken, req.deadline)).then(
        () => done(null, profile as unknown as Express.User),
        (error: unknown) => done(error),
      );
    };
    return new BitbucketStrategy(
      {
        name: provider.name,
        clientID: provider.app_id,
        clientSecret: provider.app_secret,
        callbackURL: this.#site.callbackUrl,
        url: provider.url,
        apiUrl: provider.api_url,
        pkce,
        http,
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
          const state: FlowState = { returnTo: flow.return_to ?? undefined, rememberMe: flow.remember_me === 1 };
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

type Workspaces = Awaited<ReturnType<BitbucketClient['listWorkspaces']>>;

/** With `allowed_workspaces` only their members come in; if the list cannot be read, nobody does. */
async function requireMembership(
  { allowed_workspaces }: ProviderConfig,
  list: () => Promise<Workspaces>,
): Promise<void> {
  if (!allowed_workspaces) return;
  const allowed = new Set(allowed_workspaces.map((workspace) => workspace.toLowerCase()));
  const workspaces = await list();
  if (!workspaces.some(({ uuid, slug }) => allowed.has(uuid) || allowed.has(slug))) throw new AppError('not_member');
}
