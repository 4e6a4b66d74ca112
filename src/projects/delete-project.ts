// Deleting a project: by its owner or an administrator, who have typed which one they mean.
import type { RequestHandler } from 'express';
import { z } from 'zod';
import { requireAccount } from '../accounts/presence.ts';
import { findAccount } from '../accounts/store.ts';
import { recordEvent } from '../audit/record.ts';
import { AppError } from '../errors.ts';
import { answerDone, wantsJson } from '../web/answer.ts';
import { tell } from '../web/flash.ts';
import { parseInput } from '../web/input.ts';
import type { Web } from '../web/web.ts';
import { removeDeletedFiles } from './deleted.ts';
import { pathOfProject } from './describe.ts';
import { pageProject } from './page-project.ts';
import { deleteProject, lockImports } from './records.ts';

const form = z.object({ path: z.string().trim().max(300) });

/** POST /projects/:namespace/:name/delete with `path`: the path again. */
export function removeProject(web: Web): RequestHandler {
  const { services, site } = web;
  return async (req, res) => {
    const project = await pageProject(web, req);
    const path = `${project.namespace}/${project.name}`;
    if (parseInput(form, req.body).path !== path) {
      const sentence = 'What was typed is not the path of this project, so nothing was deleted.';
      if (wantsJson(req, site)) throw new AppError('bad_request', { sentence });
      await tell(req, 'Not deleted', sentence, 'error');
      return res.redirect(303, site.base + pathOfProject(project));
    }
    const own = requireAccount(req).id === project.owner_id;
    await services.db.transaction().execute(async (trx) => {
      await lockImports(trx, services, project.owner_id);
      if (!(await deleteProject(trx, project.id, services.now()))) throw new AppError('not_found');
      const account = await findAccount(trx, project.owner_id);
      const details = { project_id: project.id, source: project.source_full_name };
      const reason = own ? 'owner' : 'administrator';
      await recordEvent(services, trx, { action: 'project_deleted', reason, account, target: path, details }, req);
    });
    await removeDeletedFiles(services);
    const say = { title: `${path} was deleted`, text: 'Nothing has changed at Bitbucket; it can be imported again.' };
    await answerDone(web, req, res, { to: `${site.base}/projects`, say });
  };
}
