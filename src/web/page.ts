// Renders a page of views/ with what every page needs.
import { join } from 'node:path';
import ejs from 'ejs';
import type { Express, Request, Response } from 'express';
import type { Account } from '../db/tables.ts';
import type { Assets } from './assets.ts';
import type { Csrf } from './csrf.ts';
import { takeTold } from './flash.ts';
import type { Site } from './site.ts';

const VIEWS = join(import.meta.dirname, '../../views');

/** Passport puts the signed-in account at `req.user`. */
declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    interface User extends Account {}
  }
}

export interface PageParts {
  site: Site;
  assets: Assets;
  csrf: Csrf;
}

export type RenderPage = (
  req: Request,
  res: Response,
  view: string,
  locals: { title: string } & Record<string, unknown>,
) => void;

/**
 * Includes are absolute (`/partials/top`): a relative one is looked for on the disk each time, which takes half the time
 * of a page. The options are ours alone; Express would have EJS take some from the locals.
 */
export function useViews(app: Express): void {
  const options = { root: VIEWS, cache: true };
  app.engine('ejs', (path, locals, done) => void ejs.renderFile(path, locals as ejs.Data, options, done));
  app.set('views', VIEWS);
  app.set('view engine', 'ejs');
  app.enable('view cache');
}

/** @returns a function that sends a page; locals are listed by the caller, never spread from a request */
export function pageRenderer({ site, assets, csrf }: PageParts): RenderPage {
  return (req, res, view, { title, ...locals }) => {
    const { user } = req;
    const page = {
      title,
      base: site.base,
      asset: assets.path,
      // Strangers get cookies from pages with a form only; an error page is none. Errors can come before the session.
      csrfToken: req.session && (user || view !== 'error') ? csrf.token(req, res) : null,
      signedIn: user !== undefined,
      account: user
        ? { name: user.name, username: user.username, initials: initials(user.name), admin: user.admin === 1 }
        : null,
      flash: user ? takeTold(req) : null,
      requestId: req.id,
    };
    res.render(view, { page, ...locals }, (error: unknown, html: string) => {
      if (!error) return void res.send(html);
      if (view !== 'error') return req.next?.(error);
      // The page that reports errors is itself broken: a bare line is better than Express's own page with its stack.
      res.type('text/plain').send(`${title} (request ${page.requestId})\n`);
    });
  };
}

/** One or two letters for a name. */
export function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '');
  return letters.join('').toUpperCase() || '?';
}
