#!/usr/bin/env node
// The commands, one line each.
import { parseArgs } from 'node:util';
import { admin } from './commands/admin.ts';
import { checkConfig } from './commands/check-config.ts';
import type { Command } from './commands/command.ts';
import { CommandFailed } from './commands/command.ts';
import { demo } from './commands/demo.ts';
import { doctor } from './commands/doctor.ts';
import { migrate } from './commands/migrate.ts';
import { serve } from './commands/serve.ts';
import { ConfigError } from './config/load.ts';
import { StartProblem } from './errors.ts';

const commands: Record<string, { run: Command; does: string; takesWords?: boolean }> = {
  serve: { run: serve, does: 'the web server (--no-jobs: without job workers)' },
  demo: { run: demo, does: 'server and sandbox with sample people; needs no configuration, no network' },
  'check-config': { run: checkConfig, does: 'every mistake of the configuration, with line and column' },
  doctor: { run: doctor, does: 'what to enter at Bitbucket, and whether everything works' },
  migrate: { run: migrate, does: 'brings the database to this version' },
  admin: { run: admin, does: 'approve NAME: lets a waiting account in', takesWords: true },
};

const usage = `usage: gatehouse COMMAND [--config FILE]

${Object.entries(commands)
  .map(([name, { does }]) => `  ${name.padEnd(14)}${does}`)
  .join('\n')}
`;

/** @returns the exit code, or undefined while the command goes on */
async function main(argv: string[]): Promise<number | undefined> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      // Serve without job workers. There are none yet; known already, so that service files need not change.
      'no-jobs': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [name = '', ...args] = positionals;
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new CommandFailed(name === '' ? usage : `no such command: ${JSON.stringify(name)}\n${usage}`, 2);
  if (args.length > 0 && !command.takesWords) {
    throw new CommandFailed(
      `${name} takes no further words, got ${JSON.stringify(args[0])}. A file is named by --config FILE\n${usage}`,
      2,
    );
  }
  return command.run({
    args,
    configFile: values.config,
    env: process.env,
    cwd: process.cwd(),
    out: (line) => process.stdout.write(`${line}\n`),
  });
}

/** One line and a next step; a stack only for what nobody foresaw. */
function explain(error: unknown): [string, number] {
  if (error instanceof CommandFailed) return [`gatehouse: ${error.message}`, error.exitCode];
  if (error instanceof StartProblem) return [`gatehouse: ${error.message}`, 1];
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS'))
    return [`gatehouse: ${(error as Error).message}\n${usage}`, 2];
  if (typeof code === 'string') return [`gatehouse: ${(error as Error).message}`, 1]; // of the operating system or the database
  return [(error as Error).stack ?? String(error), 1];
}

// What any command writes (database, keys, passwords) is for its own user only.
process.umask(0o077);
main(process.argv.slice(2)).then(
  (exitCode) => {
    if (exitCode !== undefined) process.exitCode = exitCode;
  },
  (error: unknown) => {
    // Mistakes in the configuration stand alone, one a line: editors and scripts read `file:line:column` at its start.
    const [message, exitCode] = error instanceof ConfigError ? [String(error), 1] : explain(error);
    process.stderr.write(`${message.trimEnd()}\n`);
    process.exitCode = exitCode;
  },
);
