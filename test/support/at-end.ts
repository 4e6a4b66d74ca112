// What a test has started ends with it, and what it has written has no secret in it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { noteFiles, takeLeaks, watchSandbox } from './leaks.ts';

const cleanUps: (() => Promise<void> | void)[] = [];

/** Everything started with these helpers ends after each test. */
export function closeAtEnd(cleanUp: () => Promise<void> | void): void {
  cleanUps.push(cleanUp);
}

/** A sandbox ends after the test, too; what it has handed out must not have been written anywhere. */
export function closeSandboxAtEnd(sandbox: Sandbox): void {
  watchSandbox(sandbox);
  closeAtEnd(() => sandbox.close());
}

/** Ends everything that this test has started. */
export async function endAll(): Promise<void> {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
}

afterEach(async () => {
  await endAll();
  expect(takeLeaks()).toEqual([]); // a secret was written: LG-001
});

export function makeDataDir(place = tmpdir()): string {
  const dir = mkdtempSync(join(place, 'gatehouse-test-'));
  closeAtEnd(() => {
    noteFiles(dir);
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}
