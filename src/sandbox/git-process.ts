// Runs the git of this machine for the sandbox, without anybody's settings.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';

/** Starts git; the caller reads and ends its streams. `env` is added to what keeps personal and system settings away. */
export function startGit(args: string[], env: Record<string, string> = {}): ChildProcessWithoutNullStreams {
  return spawn('git', args, {
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
      LC_ALL: 'C',
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      ...env,
    },
  });
}

/**
 * Runs git to its end and gives what it printed.
 * @throws Error with what it complained about.
 */
export function runGit(args: string[], input: Buffer | string = '', env: Record<string, string> = {}): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const git = startGit(args, env);
    const output: Buffer[] = [];
    const complaints: Buffer[] = [];
    git.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    git.stderr.on('data', (chunk: Buffer) => complaints.push(chunk));
    git.on('error', reject);
    git.on('close', (code) => {
      if (code === 0) return resolve(Buffer.concat(output));
      reject(new Error(`git ${args.join(' ')} ended with ${code}: ${Buffer.concat(complaints).toString()}`));
    });
    // A git that ends early is told of by its exit code.
    git.stdin.on('error', () => undefined);
    git.stdin.end(input);
  });
}
