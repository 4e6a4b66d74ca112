// `gatehouse demo`: the server and the sandbox with sample people, to try everything without an account or a network.
import { mkdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { loadConfig } from '../config/load.ts';
import { initialState } from '../config/reload.ts';
import { readOrCreate } from '../keys.ts';
import { openLog } from '../log.ts';
import { CLIENT_WORKSPACES, SAMPLE_PEOPLE } from '../sandbox/sample-data.ts';
import { SAMPLE_CONTRIBUTORS, SAMPLE_PROJECTS } from '../sandbox/sample-people.ts';
import { manyRepositories, SAMPLE_REPOSITORIES } from '../sandbox/sample-repositories.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { openServices } from '../services.ts';
import type { Command, CommandContext } from './command.ts';
import { CommandFailed } from './command.ts';
import { isByNpm, stopOnSignals } from './serve.ts';
import { startServer } from './server.ts';

const CONSUMER = { key: 'demo-key', secret: 'demo-secret' };
/** A second one, so that whoever only signs in is not asked for their code. */
const IMPORT_CONSUMER = { key: 'demo-import-key', secret: 'demo-import-secret' };
/** So many that choosing among them takes a search. */
const CLIENT_REPOSITORIES = 1100;

export const demo: Command = async (context) => {
  const port = portOf(context.env['PORT']);
  const sandbox = await openSandbox(port, join(context.cwd, 'data', 'demo', 'sandbox'));
  try {
    await serveWith(sandbox, port, context);
  } catch (error) {
    await sandbox.close(); // or the process would live on with a sandbox and no server
    throw error;
  }
  return undefined;
};

async function serveWith(sandbox: Sandbox, port: number, context: CommandContext): Promise<void> {
  const folder = join(context.cwd, 'data', 'demo');
  const password = readOrCreate(join(folder, 'root_password'), () => randomBytes(9).toString('base64url'));
  const loaded = loadConfig({
    file: writeConfiguration(folder, port, sandbox),
    env: { GATEHOUSE_ROOT_PASSWORD: password },
    cwd: context.cwd,
  });
  const log = openLog(loaded.config.log);
  const state = initialState(loaded);
  const services = await openServices({ configuration: () => state, log });
  const server = await startServer(services);
  greet(context, { url: loaded.config.external_url, sandbox, password });
  stopOnSignals({ server, log, byNpm: isByNpm(context), cleanUp: () => sandbox.close() });
}

function portOf(text: string | undefined): number {
  const port = Number(text || 3000);
  if (Number.isInteger(port) && port > 0 && port < 65_535) return port;
  throw new CommandFailed(`PORT: expected a number from 1 to 65534, got ${JSON.stringify(text)}`, 2);
}

async function openSandbox(port: number, folder: string): Promise<Sandbox> {
  try {
    const callbackUrl = `http://localhost:${port}/users/auth`;
    return await startSandbox({
      port: port + 1,
      consumers: [
        { ...CONSUMER, name: 'Gatehouse demo', callbackUrl, permissions: ['account', 'email'] },
        {
          ...IMPORT_CONSUMER,
          name: 'Gatehouse demo (import)',
          callbackUrl,
          permissions: ['account', 'pullrequest', 'project', 'webhook', 'repository:admin'],
        },
      ],
      repositories: [...SAMPLE_REPOSITORIES, manyRepositories(CLIENT_REPOSITORIES, CLIENT_WORKSPACES)],
      contributors: SAMPLE_CONTRIBUTORS,
      projects: SAMPLE_PROJECTS,
      folder,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new CommandFailed(
      `port ${port + 1}, for the sandbox, is in use. Choose another pair: PORT=${port + 10} npm run demo`,
    );
  }
}

/** The demo is configured as any Gatehouse is: by a file that one may look at. */
function writeConfiguration(folder: string, port: number, sandbox: Sandbox): string {
  const file = join(folder, 'gatehouse.yml');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    file,
    `# Written at each start of the demo.
external_url: http://localhost:${port}
listen: { host: 127.0.0.1, port: ${port} }
data_dir: data/demo
omniauth:
  providers:
    - name: bitbucket
      app_id: ${CONSUMER.key}
      app_secret: ${CONSUMER.secret}
      url: ${sandbox.url}
      import: { app_id: ${IMPORT_CONSUMER.key}, app_secret: ${IMPORT_CONSUMER.secret} }
log: { level: warn, format: pretty }
`,
  );
  return file;
}

function greet(
  { out }: CommandContext,
  { url, sandbox, password }: { url: string; sandbox: Sandbox; password: string },
): void {
  out(`
  Gatehouse demo

  Open        ${url}
              and click "Sign in with Bitbucket"
  Or sign in  as root with the password ${password}

  The sandbox, a stand-in for Bitbucket Cloud, runs at ${sandbox.url}
  These people have an account there:
${SAMPLE_PEOPLE.map(({ note, displayName }) => `    ${note ?? displayName}`).join('\n')}

  To import: Alice has a small repository (acme/anvil), a rich one (open-garden/greenhouse) and one
  with everything that goes wrong in imports (acme/odd-parts). Dan has 1,100 to choose from.

  Data and configuration: data/demo. Stop with Ctrl+C.
`);
}
