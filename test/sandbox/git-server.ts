// One git server on loopback with repositories of the sandbox, and git as a client that has nobody's settings.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { type RequestHandler } from 'express';
import { gitCredentials, type GitRepository } from '../../src/sandbox/git-access.ts';
import { gitRoutes } from '../../src/sandbox/git-routes.ts';
import { makeGitRepository, type GitStory, type MadeRepository } from '../../src/sandbox/git-story.ts';

/** What opens every private repository of a `startGitServer`. */
export const TOKEN = 'a-token-that-must-not-turn-up-anywhere';

export interface GitServer {
  /** With a slash at its end. */
  url: string;
  /** A folder that goes away after the test. */
  dir: string;
  requests: IncomingMessage[];
  add: (slug: string, story: GitStory, more?: Partial<GitRepository>) => Promise<MadeRepository & GitRepository>;
  /** Stands before the routes of git from then on. */
  use: (handler: RequestHandler) => void;
}

/** Starts a server that ends after the test; `acme/<slug>` are its repositories. */
export async function startGitServer(): Promise<GitServer> {
  const dir = await mkdtemp(join(tmpdir(), 'gatehouse-git-'));
  const repositories = new Map<string, GitRepository>();
  const requests: IncomingMessage[] = [];
  const handlers: RequestHandler[] = [];
  const app = express();
  app.use((request, _response, next) => {
    requests.push(request);
    next();
  });
  app.use((request, response, next) => {
    const step = (index: number): void => {
      const handler = handlers[index];
      if (handler) void handler(request, response, () => step(index + 1));
      else next();
    };
    step(0);
  });
  app.use(
    gitRoutes({
      find: (workspace, slug) => (workspace === 'acme' ? repositories.get(slug) : undefined),
      mayRead: (request, { isPrivate }) => {
        const credentials = gitCredentials(request);
        if (!credentials) return !isPrivate;
        return credentials.secret === TOKEN ? true : 'unauthorized';
      },
    }),
  );
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(dir, { recursive: true, force: true });
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    dir,
    requests,
    add: async (slug, story, more = {}) => {
      const made = await makeGitRepository(join(dir, 'served', `${slug}.git`), story);
      const repository = {
        workspace: 'acme',
        slug,
        isPrivate: true,
        dir: join(dir, 'served', `${slug}.git`),
        ...made,
        ...more,
      };
      repositories.set(slug, repository);
      return repository;
    },
    use: (handler) => void handlers.push(handler),
  };
}

const running: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of running.splice(0)) await end();
});
