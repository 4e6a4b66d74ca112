#!/usr/bin/env node
// The commands, one line each.
import { parseArgs } from 'node:util';
import type { Command } from './commands/command.ts';
import { CommandFailed } from './commands/command.ts';
import { ConfigError } from './config/load.ts';
import { StartProblem } from './errors.ts';

interface Listed {
  run: Command;
  does: string;
  takesWords?: boolean;
  /** How it is called, where that takes more than a line. */
  usage?: () => Promise<string>;
  /** Options besides --config. */
  takes?: string[];
}

/** Each loads what it needs when it is run: of the time that a short one takes that is most. */
const commands: Record<string, Listed> = {
  serve: {
    run: async (context) => (await import('./commands/serve.ts')).serve(context),
    does: 'the web server (--no-jobs: without job workers)',
    takes: ['no-jobs'],
  },
  work: {
    run: async (context) => (await import('./commands/work.ts')).work(context),
    does: 'job workers only: imports from Bitbucket',
  },
  demo: {
    run: async (context) => (await import('./commands/demo.ts')).demo(context),
    does: 'server and sandbox with sample people; needs no configuration, no network',
  },
  'check-config': {
    run: async (context) => (await import('./commands/check-config.ts')).checkConfig(context),
    does: 'every mistake of the configuration, with line and column',
  },
  doctor: {
    run: async (context) => (await import('./commands/doctor.ts')).doctor(context),
    does: 'what to enter at Bitbucket, and whether everything works',
  },
  migrate: {
    run: async (context) => (await import('./commands/migrate.ts')).migrate(context),
    does: 'brings the database to this version',
  },
  import: {
    run: async (context) => (await import('./commands/import.ts')).importCommand(context),
    does: 'WORKSPACE/REPOSITORY --as NAME: imports from Bitbucket, for that account',
    takesWords: true,
    usage: async () => (await import('./commands/import.ts')).IMPORT_USAGE,
    takes: ['as', 'namespace', 'name'],
  },
  admin: {
    run: async (context) => (await import('./commands/admin.ts')).admin(context),
    does: 'approve, create, reset or link NAME: accounts, and the way back in',
    takesWords: true,
    usage: async () => (await import('./commands/admin.ts')).ADMIN_USAGE,
    takes: ['email', 'admin'],
  },
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
      'no-jobs': { type: 'boolean' },
      // Of `import`.
      as: { type: 'string' },
      namespace: { type: 'string' },
      name: { type: 'string' },
      // Of `admin create`.
      email: { type: 'string' },
      admin: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [name = '', ...args] = positionals;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (values.help) {
    process.stdout.write(`${((await command?.usage?.()) ?? usage).trimEnd()}\n`);
    return 0;
  }
  if (!command) throw new CommandFailed(name === '' ? usage : `no such command: ${JSON.stringify(name)}\n${usage}`, 2);
  requireFitting(name, command, { args, options: Object.keys(values) });
  const { email, as, namespace, name: projectName } = values;
  return command.run({
    args,
    options: { ...(email === undefined ? {} : { email }), admin: values.admin === true },
    target: { as, namespace, name: projectName },
    withJobs: values['no-jobs'] !== true,
    configFile: values.config,
    env: process.env,
    cwd: process.cwd(),
    out: (line) => process.stdout.write(`${line}\n`),
  });
}

/** @throws CommandFailed for words and options of other commands */
function requireFitting(
  name: string,
  { takesWords, takes = [] }: Listed,
  { args, options }: { args: string[]; options: string[] },
): void {
  const foreign = options.find((option) => !['config', 'help', ...takes].includes(option));
  if (foreign !== undefined) throw new CommandFailed(`${name} takes no --${foreign}\n${usage}`, 2);
  if (takesWords) return;
  if (args.length === 0) return;
  throw new CommandFailed(
    `${name} takes no further words, got ${JSON.stringify(args[0])}. A file is named by --config FILE\n${usage}`,
    2,
  );
}

/** One line and a next step; a stack only for what nobody foresaw. */
function explain(error: unknown): [string, number] {
  if (error instanceof CommandFailed) return [`gatehouse: ${error.message}`, error.exitCode];
  if (error instanceof StartProblem) return [`gatehouse: ${error.message}`, 1];
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS'))
    return [`gatehouse: ${firstSentence((error as Error).message)}\n${usage}`, 2];
  if (typeof code === 'string') return [`gatehouse: ${(error as Error).message}`, 1]; // of the operating system or the database
  return [(error as Error).stack ?? String(error), 1];
}

/** Node goes on with advice on words that begin with a dash, which no command here takes. */
function firstSentence(message: string): string {
  return message.split(/\.\s|\n/)[0] ?? message;
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
