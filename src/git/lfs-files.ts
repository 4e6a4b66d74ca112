// Where the file of a large object lies.
import { join } from 'node:path';
import { GitFailure } from './failure.ts';

/** Path of an object's file below the folder of a project. @throws GitFailure for what is no SHA-256 */
export function lfsPath(dir: string, oid: string): string {
  if (!/^[0-9a-f]{64}$/.test(oid)) throw new GitFailure('failed', 'not the name of an LFS object');
  return join(dir, oid.slice(0, 2), oid.slice(2, 4), oid);
}
