// Admin → Configuration: what runs, where each value came from, what waits for a restart, and what is wrong with the file.
import type { RequestHandler, Router } from 'express';
import { requireAdmin } from '../accounts/presence.ts';
import { listSettingChanges } from '../application-settings.ts';
import { describeRunning } from '../config/describe-running.ts';
import type { Services } from '../services.ts';
import { wantsJson, withJson } from '../web/answer.ts';
import { methodNotAllowed } from '../web/methods.ts';
import { timeOf } from '../web/time.ts';
import type { Web } from '../web/web.ts';

const PATH = '/admin/configuration';

export function configurationRoutes(router: Router, web: Web): void {
  const admin = requireAdmin(web);
  router.get(withJson(PATH), admin, showConfiguration(web));
  router.all(withJson(PATH), admin, methodNotAllowed('GET'));
}

function showConfiguration(web: Web): RequestHandler {
  return async (req, res) => {
    const shown = await describe(web.services);
    if (wantsJson(req, web.site)) return void res.json(jsonOf(shown));
    web.render(req, res, 'admin/configuration', { title: 'Configuration', ...shown });
  };
}

async function describe({ configuration, db }: Services) {
  const { loaded, at, needRestart, broken } = configuration();
  const panel = await listSettingChanges(db);
  return {
    file: loaded.file ?? null,
    path: loaded.path,
    settings: describeRunning(loaded).map((setting) => ({ ...setting, waits: needRestart.includes(setting.key) })),
    panel: panel.map(({ key, value, at: changedAt, by }) => ({
      key,
      value: Array.isArray(value) ? value.map(String).join(', ') || 'none' : String(value),
      by,
      at: timeOf(changedAt),
    })),
    warnings: loaded.warnings,
    mistakes: broken?.mistakes ?? [],
    needRestart,
    loadedAt: timeOf(at),
    fileGone: broken?.fileGone ?? false,
    brokenAt: broken ? timeOf(broken.at) : null,
  };
}

/** The same for scripts. */
function jsonOf(shown: Awaited<ReturnType<typeof describe>>): Record<string, unknown> {
  return {
    file: shown.file,
    loaded_at: shown.loadedAt.iso,
    need_restart: shown.needRestart,
    broken: shown.brokenAt && { at: shown.brokenAt.iso, mistakes: shown.mistakes },
    warnings: shown.warnings,
    settings: shown.settings.map(({ key, value, source }) => ({ key, value, source })),
    panel: shown.panel.map(({ key, value, by, at }) => ({ key, value, changed_by: by, changed_at: at.iso })),
  };
}
