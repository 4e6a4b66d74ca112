// The administration: every route of this feature in one table. Nobody else finds anything below /admin.
import type { Router } from 'express';
import { requireAdmin, requireRecentProof } from '../accounts/presence.ts';
import type { Providers } from '../accounts/providers.ts';
import { withJson } from '../web/answer.ts';
import { idIn } from '../web/input.ts';
import { methodNotAllowed, refusePrefetch } from '../web/methods.ts';
import type { Web } from '../web/web.ts';
import { exportAuditLog, showAuditLog } from './audit-log.ts';
import { configurationRoutes } from './configuration-page.ts';
import { showAllImports } from './imports-page.ts';
import { setUpRoutes } from './set-up-page.ts';
import { settingsRoutes } from './settings-page.ts';
import { act, IDENTITY_ACTIONS, USER_ACTIONS } from './user-actions.ts';
import { showUsers } from './user-list.ts';
import { showUser } from './user-page.ts';

export function adminRoutes(router: Router, web: Web, { providers }: { providers: Providers }): void {
  // Before everything below it, so that no route can be forgotten; paths that lead nowhere look the same to others.
  router.use('/admin', requireAdmin(web));
  setUpRoutes(router, web, providers); // first: the banner it prepares is on every page

  router.get(['/admin', '/admin/users.json'], showUsers(web, providers));
  router.all(['/admin', '/admin/users.json'], methodNotAllowed('GET'));

  router.get(withJson('/admin/users/:id'), showUser(web, providers));
  router.all(withJson('/admin/users/:id'), methodNotAllowed('GET'));
  const recent = requireRecentProof(web, ({ params }) => `/admin/users/${idIn(params['id'])}`);
  for (const [name, action] of Object.entries(USER_ACTIONS)) {
    router.post(`/admin/users/:id/${name}`, recent, act(web, action));
    router.all(`/admin/users/:id/${name}`, methodNotAllowed('POST'));
  }
  for (const [name, action] of Object.entries(IDENTITY_ACTIONS)) {
    router.post(`/admin/users/:id/identities/:identity/${name}`, recent, act(web, action));
    router.all(`/admin/users/:id/identities/:identity/${name}`, methodNotAllowed('POST'));
  }

  router.get(withJson('/admin/audit_log'), showAuditLog(web));
  router.all(withJson('/admin/audit_log'), methodNotAllowed('GET'));
  // Before GET, which Express would let answer HEAD too: it tells of an export that nobody got.
  router.head('/admin/audit_log.jsonl', methodNotAllowed('GET'));
  router.get('/admin/audit_log.jsonl', refusePrefetch, exportAuditLog(web));
  router.all('/admin/audit_log.jsonl', methodNotAllowed('GET'));

  router.get(withJson('/admin/imports'), showAllImports(web));
  router.all(withJson('/admin/imports'), methodNotAllowed('GET'));

  settingsRoutes(router, web, providers);
  configurationRoutes(router, web);
}
