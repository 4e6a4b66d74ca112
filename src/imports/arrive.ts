// Coming back from Bitbucket with a consent to import.
import type { Importing } from '../accounts/arrive.ts';
import type { Flows } from '../accounts/flows.ts';
import { requireAccount } from '../accounts/presence.ts';
import type { Providers } from '../accounts/providers.ts';
import { missingScopes } from '../bitbucket/scopes.ts';
import { AppError } from '../errors.ts';
import { tell } from '../web/flash.ts';
import type { Web } from '../web/web.ts';
import { keepConsent } from './credentials.ts';

/** Without these nothing can be imported. Names of projects come with the repositories. */
const NEEDED = ['account', 'repository', 'pullrequest'];

export function importing(web: Web, { flows, providers }: { flows: Flows; providers: Providers }): Importing {
  return {
    /** The Bitbucket account need not be connected: what is kept lets this server read, and nobody in. */
    arrive: async (req, res, { provider, profile, tokens, flow, returnTo }) => {
      const account = requireAccount(req);
      await flows.finish(flow.state_hash);
      if (missingScopes(NEEDED, tokens.scopes).length > 0) throw new AppError('import_permissions');
      await keepConsent(web.services, { account, provider, profile, tokens }, req);
      await tell(req, 'Bitbucket is open for importing', `What ${profile.displayName} may read there is listed below.`);
      res.redirect(303, returnTo ?? `${web.site.base}/import/${provider}/status`);
    },

    /** Only where `args.scope` asks for it at sign-in; and where importing has a consumer of its own, that one's counts. */
    noteSignIn: async (req, account, { provider: name, profile, tokens }) => {
      if (missingScopes(NEEDED, tokens.scopes).length > 0) return;
      const provider = (await providers.importSources()).find((source) => source.name === name);
      if (!provider || provider.import) return;
      await keepConsent(web.services, { account, provider: name, profile, tokens }, req);
    },
  };
}
