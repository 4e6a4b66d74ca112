// Watches how large a repository grows while git writes it: no server says beforehand, and none could be believed.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GitFailure } from './failure.ts';

export interface Quota {
  /** Aborts with a GitFailure `too_large`, or when the signal given does. */
  signal: AbortSignal;
  /** Looks at once. @throws GitFailure `too_large` */
  check: () => Promise<void>;
  end: () => void;
}

const EVERY_MS = 250;

/** Watches the packs and the list of refs of a bare repository, which is where everything that arrives goes. */
export function watchQuota(dir: string, maxBytes: number, signal: AbortSignal | undefined): Quota {
  const exceeded = new AbortController();
  const check = async (): Promise<void> => {
    const bytes = await sizeOf(dir);
    if (bytes > maxBytes) throw new GitFailure('too_large', `${bytes} bytes, of ${maxBytes} allowed`);
  };
  const timer = setInterval(() => void check().catch((failure: unknown) => exceeded.abort(failure)), EVERY_MS);
  return {
    signal: signal ? AbortSignal.any([signal, exceeded.signal]) : exceeded.signal,
    check,
    end: () => clearInterval(timer),
  };
}

/** Bytes of a bare repository's packs and packed refs. */
export async function sizeOf(dir: string): Promise<number> {
  const packs = join(dir, 'objects', 'pack');
  const names = await readdir(packs).catch(() => []);
  const paths = [...names.map((name) => join(packs, name)), join(dir, 'packed-refs'), join(dir, 'packed-refs.new')];
  const sizes = await Promise.all(
    paths.map((path) =>
      stat(path)
        .then(({ size }) => size)
        .catch(() => 0),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
