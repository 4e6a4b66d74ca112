// Compiles src/ to dist/ and marks the command as executable. `npm install` runs it (package.json "prepare").
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';

const { resolve } = createRequire(import.meta.url);
let tsc;
try {
  tsc = resolve('typescript/bin/tsc');
} catch {
  // npm install --omit=dev: fine where dist/ is there already, for example in the second stage of a container image.
  if (existsSync('dist/main.js')) process.exit(0);
  console.error('TypeScript is missing: run npm install without --omit=dev once, then npm prune --omit=dev');
  process.exit(1);
}
rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (status !== 0) process.exit(1);
chmodSync('dist/main.js', 0o755);
