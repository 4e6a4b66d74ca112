// A small disk of its own, in memory, that takes nothing more when a test says so.
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeAtEnd } from '../support/at-end.ts';
import type { Need } from './needs.ts';

const mount = (folder: string, options: string) =>
  void execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
const unmount = (folder: string) => void execFileSync('umount', ['--lazy', folder], { stdio: 'ignore' });

/** Only who administers the machine may mount anything, and in a container not even they, as a rule. */
export const mounting: Need = tryMounting();

function tryMounting(): Need {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-mount-'));
  try {
    mount(folder, 'size=64k');
    unmount(folder);
    return undefined;
  } catch {
    return 'nothing can be mounted here';
  } finally {
    rmdirSync(folder);
  }
}

/** How a disk comes to take nothing more; what is there can still be read. */
export type Trouble = 'full' | 'without inodes' | 'read-only';

/** Mounted for this test. @returns what brings it into trouble, which returns what ends that */
export function makeDisk(folder: string, size = '16m'): (trouble: Trouble) => () => void {
  mkdirSync(folder, { recursive: true });
  mount(folder, `size=${size},nr_inodes=2000`);
  closeAtEnd(() => unmount(folder));
  return (trouble) => {
    if (trouble === 'full') return fill(folder);
    if (trouble === 'without inodes') return takeInodes(folder);
    const remount = (how: string) => void execFileSync('mount', ['-o', `remount,${how}`, folder]);
    remount('ro');
    return () => remount('rw');
  };
}

/** Takes all the room that is left. @returns gives it back */
export function fill(folder: string): () => void {
  const path = join(folder, 'filler');
  const file = openSync(path, 'w');
  for (let size = 64 * 1024; size >= 1; size = size / 2) {
    const piece = Buffer.alloc(size);
    untilFull(() => writeSync(file, piece) === size);
  }
  closeSync(file);
  return () => rmSync(path);
}

function takeInodes(folder: string): () => void {
  const place = join(folder, 'fillers');
  mkdirSync(place);
  let count = 0;
  untilFull(() => {
    writeFileSync(join(place, String((count += 1))), '');
    return true;
  });
  return () => rmSync(place, { recursive: true });
}

function untilFull(take: () => boolean): void {
  try {
    while (take());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}
