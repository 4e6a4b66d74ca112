// Compiles src/ to dist/ and marks the command as executable. `npm install` runs it (package.json "prepare").
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

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

/** When anything of this was last changed, in milliseconds. A folder knows when something in it was removed or renamed. */
function changedAt(path) {
  const stats = statSync(path);
  const inside = stats.isDirectory() ? readdirSync(path).map((name) => changedAt(join(path, name))) : [];
  return Math.max(stats.mtimeMs, ...inside);
}

// `npm install && npm test` builds at both: the second time there is nothing to do.
const SOURCES = ['src', 'build.js', 'package.json', 'tsconfig.json', 'tsconfig.build.json', tsc];
if (existsSync('dist/main.js') && statSync('dist/main.js').mtimeMs > Math.max(...SOURCES.map(changedAt)))
  process.exit(0);

const begun = new Date();
rmSync('dist', { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
if (status !== 0) {
  rmSync('dist', { recursive: true, force: true }); // or half of it would pass for the whole next time
  process.exit(1);
}
chmodSync('dist/main.js', 0o755);
utimesSync('dist/main.js', begun, begun); // what was changed while it was compiled may not be in it
