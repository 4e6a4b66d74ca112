// Importing: every route of this feature in one table.
import type { RequestHandler, Router } from 'express';
import type { Providers } from '../accounts/providers.ts';
import { requireUser } from '../accounts/presence.ts';
import { requireScope } from '../accounts/token-auth.ts';
import { withJson } from '../web/answer.ts';
import { methodNotAllowed, refusePrefetch } from '../web/methods.ts';
import type { Web } from '../web/web.ts';
import { importByApi, showImportAsData } from './api.ts';
import { Accesses } from './access.ts';
import { Catalogues } from './catalogue.ts';
import { showChoice } from './choose-page.ts';
import { addCredential, removeCredential, showCredentials } from './credentials-page.ts';
import { actOnFailure, actOnImport, IMPORT_ACTIONS, showImports, showReport } from './imports-page.ts';
import { startImports } from './start-page.ts';
import { showChanges, streamChanges } from './watch.ts';

/** What a token of scope `import` opens besides the API: choosing, starting and following imports. */
export function isForScripts(path: string): boolean {
  return /^\/import\/[^/]+(\/status(\.json)?|\/realtime_changes\.json)?$/.test(path);
}

export function importRoutes(router: Router, web: Web, { providers }: { providers: Providers }): void {
  const catalogues = new Catalogues(web.services, new Accesses(web.services));
  const choosing = { providers, catalogues };
  const user = requireUser(web) as RequestHandler<object>;
  const byScript = requireScope('import') as RequestHandler<object>;
  const userOrScript: RequestHandler<object> = (req, res, next) => (req.tokenScopes ? byScript : user)(req, res, next);
  const source = '/import/:provider';

  // Reading Bitbucket costs calls of the person's hour, so a browser that only guesses the next click gets nothing.
  router.get(withJson(`${source}/status`), userOrScript, refusePrefetch, showChoice(web, choosing));
  router.all(withJson(`${source}/status`), methodNotAllowed('GET'));
  router.get(`${source}/realtime_changes.json`, userOrScript, showChanges(web));
  router.all(`${source}/realtime_changes.json`, methodNotAllowed('GET'));
  router.get(`${source}/credentials`, user, showCredentials(web, providers));
  router.post(`${source}/credentials`, user, addCredential(web, choosing));
  router.all(`${source}/credentials`, methodNotAllowed('GET, POST'));
  router.post(`${source}/credentials/:id/forget`, user, removeCredential(web, providers));
  router.all(`${source}/credentials/:id/forget`, methodNotAllowed('POST'));
  router.post(source, userOrScript, startImports(web, choosing));
  router.all(source, methodNotAllowed('POST'));

  router.post('/api/v4/import/bitbucket', byScript, importByApi(web, choosing));
  router.all('/api/v4/import/bitbucket', methodNotAllowed('POST'));

  const reads = requireScope('read_projects', 'import') as RequestHandler<object>;
  router.get('/api/v4/projects/:id/import', reads, showImportAsData(web));
  router.all('/api/v4/projects/:id/import', methodNotAllowed('GET'));

  router.get(withJson('/imports'), user, showImports(web, providers));
  router.all(withJson('/imports'), methodNotAllowed('GET'));
  router.get('/imports/events', user, streamChanges(web));
  router.all('/imports/events', methodNotAllowed('GET'));
  router.get(withJson('/imports/:id'), user, showReport(web));
  router.all(withJson('/imports/:id'), methodNotAllowed('GET'));
  for (const [name, act] of Object.entries(IMPORT_ACTIONS)) {
    router.post(`/imports/:id/${name}`, user, actOnImport(web, act));
    router.all(`/imports/:id/${name}`, methodNotAllowed('POST'));
  }
  router.post('/imports/:id/failures/:failure/retry', user, actOnFailure(web));
  router.all('/imports/:id/failures/:failure/retry', methodNotAllowed('POST'));
}
