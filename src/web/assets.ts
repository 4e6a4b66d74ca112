// Static files of public/. Their addresses carry a hash of the content, so browsers may keep them for ever.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import type { RequestHandler } from 'express';

const FOLDER = join(import.meta.dirname, '../../public');
const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.txt': 'text/plain; charset=utf-8',
};

export interface Assets {
  /** `app.css` → `/gate/assets/app.1f2e3d4c5b.css`; throws for a file that is not there */
  path(name: string): string;
  serve: RequestHandler;
}

/** Reads the folder once: no path of a request ever reaches the file system. */
export function loadAssets(base: string): Assets {
  const paths = new Map<string, string>();
  const files = new Map<string, { body: Buffer; type: string; forEver: boolean }>();
  for (const name of readdirSync(FOLDER)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const body = readFileSync(join(FOLDER, name));
    const hash = createHash('sha256').update(body).digest('hex').slice(0, 10);
    const hashed = `/assets/${name.replace(/(?=\.[^.]+$)/, `.${hash}`)}`;
    paths.set(name, base + hashed);
    files.set(hashed, { body, type, forEver: true });
    if (name === 'robots.txt' || name === 'favicon.svg') files.set(`/${name}`, { body, type, forEver: false });
  }
  return {
    path: (name) => {
      const path = paths.get(name);
      if (path === undefined) throw new Error(`no such file in public/: ${name}`);
      return path;
    },
    serve: (req, res, next) => {
      const file = req.method === 'GET' || req.method === 'HEAD' ? files.get(req.path) : undefined;
      if (!file) return next();
      const cache = file.forEver ? 'public, max-age=31536000, immutable' : 'public, max-age=3600';
      res.set({ 'Content-Type': file.type, 'Cache-Control': cache }).send(file.body);
    },
  };
}
