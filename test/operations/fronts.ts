// nginx and Caddy as processes, with the samples of docs/ as they stand there: only ports and certificates are changed.
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { selfSigned } from '../bitbucket/self-signed.ts';
import { freePort } from '../commands/run.ts';
import { closeAtEnd, makeDataDir } from '../support/at-end.ts';
import { pathOfCommand } from './needs.ts';
import { untilWithin } from './nodes.ts';

export interface Front {
  /** Of https. */
  port: number;
  /** Of http. */
  plainPort: number;
}

export type StartFront = (config: string, upstreams: number[]) => Promise<Front>;

const DOCS = join(__dirname, '../../docs');

export function readSample(name: string): string {
  return readFileSync(join(DOCS, 'samples', name), 'utf8');
}

/** @returns the blocks of one language below one heading of a page in docs/ */
export function readBlocks(page: string, heading: string, language: string): string[] {
  const text = readFileSync(join(DOCS, page), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , block = '']) => block);
}

/** @param site what the administrator puts into sites-available */
export const startNginx: StartFront = async (site, upstreams) => {
  const folder = makeDataDir();
  const [port, plainPort] = [await freePort(), await freePort()];
  writeFileSync(join(folder, 'gatehouse.pem'), selfSigned.cert);
  writeFileSync(join(folder, 'gatehouse.key'), selfSigned.key, { mode: 0o600 });
  const changed = withUpstreams(site, upstreams)
    .replace('listen 443 ', `listen 127.0.0.1:${port} `)
    .replace('listen 80;', `listen 127.0.0.1:${plainPort};`)
    .replaceAll('/etc/ssl/', `${folder}/`);
  const places = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  writeFileSync(join(folder, 'site.conf'), changed);
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr warn;
events { worker_connections 512; }
http { access_log off; ${places.join(' ')} include ${folder}/site.conf; }\n`,
  );
  const args = ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf')];
  await listens(spawn(pathOfCommand('nginx'), args), { port, name: 'gatehouse.example.com' });
  return { port, plainPort };
};

/** @param caddyfile as the administrator writes it; certificates come from Caddy's own authority */
export const startCaddy: StartFront = async (caddyfile, upstreams) => {
  const folder = makeDataDir();
  const [port, plainPort] = [await freePort(), await freePort()];
  const options = `{
	admin off
	local_certs
	skip_install_trust
	http_port ${plainPort}
	https_port ${port}
	storage file_system ${folder}
}\n`;
  writeFileSync(join(folder, 'Caddyfile'), options + withUpstreams(caddyfile, upstreams));
  const args = ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')];
  const env = { PATH: process.env['PATH'], HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const [, name = ''] = /^([\w.]+) \{$/m.exec(caddyfile) ?? [];
  await listens(spawn(pathOfCommand('caddy'), args, { env }), { port, name });
  return { port, plainPort };
};

/** Puts real ports in, and takes the second process out of its comment if there is one. */
function withUpstreams(config: string, [first, second]: number[]): string {
  const one = config.replaceAll('127.0.0.1:3000', `127.0.0.1:${first}`);
  if (second === undefined) return one;
  return one.replace(/# (server|With a second process: to) 127\.0\.0\.1:3001/, (_, before: string) =>
    before === 'server' ? `server 127.0.0.1:${second}` : `\n\t\tto 127.0.0.1:${second}`,
  );
}

/** Waits until https works: Caddy listens before it has made its certificate. */
async function listens(child: ChildProcess, { port, name }: { port: number; name: string }): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdout?.resume();
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  closeAtEnd(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const options = { host: '127.0.0.1', port, servername: name, rejectUnauthorized: false };
      const socket = connect(options, () => {
        resolve(true);
        socket.destroy();
      });
      socket.once('error', () => resolve(false));
    });
  await untilWithin(15_000, answers).catch(() => {
    throw new Error(`does not listen on ${port}: ${said}`);
  });
}
