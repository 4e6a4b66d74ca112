// Files that an import brings.
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../git/folders.ts';

/** Written aside, and named when it is whole and on the disk: whoever finds it by its name need not look into it. */
export async function keepFile(path: string, content: string | Buffer): Promise<void> {
  await makeFolder(dirname(path));
  const draft = `${path}.part`;
  await writeFile(draft, content, { mode: 0o600, flush: true });
  await rename(draft, path);
}
