// What was just done, told once on the next page: kept in the session, because an address could be made up by anybody.
import type { Request } from 'express';

export interface Notice {
  kind: 'info' | 'success' | 'error';
  title: string;
  text: string;
}

declare module 'express-session' {
  interface SessionData {
    flash?: Notice;
  }
}

/**
 * To be called after the session has got a new id, if it gets one: nothing else moves along. And to be awaited before the
 * answer: express-session writes what has changed when an answer ends, but a redirect is followed as soon as its headers
 * have come, and the next page must find the message.
 */
export function tell(req: Request, title: string, text = '', kind: Notice['kind'] = 'success'): Promise<void> {
  req.session.flash = { kind, title, text };
  return new Promise((resolve, reject) => {
    req.session.save((error: unknown) => (error ? reject(error) : resolve()));
  });
}

export function takeTold(req: Request): Notice | null {
  const flash = req.session?.flash ?? null;
  if (flash) delete req.session.flash;
  return flash;
}
