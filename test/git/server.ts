// What the tests of git share: the sandbox's git server, a recorder that must stay silent, and a look at processes.
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GitFailure } from '../../src/git/failure.ts';
import type { MirrorLimits } from '../../src/git/mirror.ts';
import type { GitStory } from '../../src/sandbox/git-story.ts';
import { TOKEN } from '../sandbox/git-server.ts';

export { startGitServer, TOKEN, type GitServer } from '../sandbox/git-server.ts';

export const CREDENTIAL = { username: 'x-token-auth', password: TOKEN };

export const LIMITS: MirrorLimits = { maxBytes: 50e6, maxRefs: 1000, timeoutMs: 90_000 };

export const SMALL: GitStory = {
  commits: [
    {
      key: 'first',
      message: 'First\n\nWith a body.\n',
      files: { 'README.md': '# Anvil\n', 'src/a.txt': 'one\ntwo\n' },
    },
    { key: 'second', message: 'Second\n', files: { 'src/a.txt': 'one\n2\nthree\n', 'src/b.txt': 'b\n' } },
    { key: 'side', parents: ['first'], message: 'Side\n', files: { 'side.txt': 'side\n' } },
    { key: 'declined', parents: ['first'], message: 'Declined\n', files: { 'declined.txt': 'no\n' } },
  ],
  branches: { main: 'second', 'feature/side': 'side' },
  tags: { v1: 'first', v2: { commit: 'second', message: 'Version 2\n' } },
};

/** A server that notes who comes by. */
export async function startRecorder(): Promise<{ url: string; port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, port, seen };
}

/** The failure a promise ends with. */
export async function failureOf(promise: Promise<unknown>): Promise<GitFailure> {
  return promise.then(
    () => {
      throw new Error('It did not fail');
    },
    (error: GitFailure) => error,
  );
}

export interface Process {
  pid: number;
  argv: string;
  environment: string;
}

/** Processes of git that this process started, and what those started. */
export function findGitProcesses(): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  const parents = new Map(all.map((pid) => [pid, parentOf(pid)]));
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (parents.get(pid) === process.pid || isOurs(parents.get(pid)));
  const processes = all
    .filter(isOurs)
    .map((pid) => ({ pid, argv: read(pid, 'cmdline'), environment: read(pid, 'environ') }));
  return processes.filter(({ argv }) => /git/.test(argv) && !/upload-pack/.test(argv));
}

function parentOf(pid: number): number | undefined {
  const parent = /^\d+ \(.*\) \S (\d+)/s.exec(read(pid, 'stat'))?.[1];
  return parent === undefined ? undefined : Number(parent);
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

const running: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of running.splice(0)) await end();
});
