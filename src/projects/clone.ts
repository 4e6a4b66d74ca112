// Cloning with git over HTTP(S): reading only, a personal access token as the password. These requests are git's own:
// they stand before sessions, cookies and form tokens, and know none of them.
import type { Request, RequestHandler, Response, Router } from 'express';
import { requireAccount } from '../accounts/presence.ts';
import { requireTokenAsPassword } from '../accounts/token-auth.ts';
import { AppError } from '../errors.ts';
import { serveUploadPack } from '../git/http-backend.ts';
import type { Web } from '../web/web.ts';
import { listLfsDownloads, readLfsBody, sendLfsObject } from './clone-lfs.ts';
import { pageProject } from './page-project.ts';
import { importedRepository } from './places.ts';

const REPOSITORY = '/projects/:namespace/:name.git';

/** To be mounted before the session. */
export function cloneRoutes(router: Router, web: Web): void {
  // First whoever asks: without a token nobody learns which projects there are.
  const guard = requireTokenAsPassword(web, 'read_projects');
  router.post(`${REPOSITORY}/info/lfs/objects/batch`, guard, readLfsBody, asText(listLfsDownloads(web)));
  router.get(`${REPOSITORY}/info/lfs/objects/:oid`, guard, asText(sendLfsObject(web)));
  router.all(`${REPOSITORY}/*rest`, guard, asText(upload(web)));
}

/** Each is a process of its own that packs; more at once would take the machine from everybody's pages. */
const MAX_UPLOADS = 16;
/** So many of them may be one account's: whatever its scripts do, the others can clone. */
const MAX_EACH = 8;
const TOO_MANY = {
  sentence: `${MAX_EACH} clones of yours are under way. Please try again when one is done.`,
  retryAfterSeconds: 10,
};
const BUSY = { sentence: 'Too many clones are under way. Please try again in a moment.', retryAfterSeconds: 10 };

function upload(web: Web) {
  /** Whose they are. */
  const underWay: number[] = [];
  return async (req: Request, res: Response) => {
    const project = await pageProject(web, req);
    const { id } = requireAccount(req);
    if (underWay.length >= MAX_UPLOADS) throw new AppError('unavailable', BUSY);
    if (underWay.filter((other) => other === id).length >= MAX_EACH) throw new AppError('rate_limited', TOO_MANY);
    underWay.push(id);
    await serve(web, project.id, req, res).finally(() => underWay.splice(underWay.indexOf(id), 1));
  };
}

async function serve(web: Web, projectId: number, req: Request, res: Response): Promise<void> {
  const { rest } = req.params as unknown as { rest: string[] };
  const query = new URLSearchParams(req.query as Record<string, string>);
  const dir = importedRepository(web.services.config(), projectId);
  await serveUploadPack({ dir, req, res, path: `/${rest.join('/')}`, query });
}

/** git shows its user what comes as plain text, and nothing of a page. */
function asText(handle: (req: Request, res: Response) => Promise<void>): RequestHandler {
  return async (req, res) => {
    try {
      await handle(req, res);
    } catch (error) {
      if (!(error instanceof AppError) || res.headersSent) throw error;
      const { retryAfterSeconds } = error.options;
      if (retryAfterSeconds !== undefined) res.set('Retry-After', String(retryAfterSeconds));
      res.status(error.status).type('text/plain').send(`${error.message}\n`);
    }
  };
}
