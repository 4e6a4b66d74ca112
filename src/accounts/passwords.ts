// Passwords: argon2id, with a bounded queue in front because each check costs 19 MiB and tens of milliseconds.
import { availableParallelism } from 'node:os';
import { hash, verify } from '@node-rs/argon2';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';

/** @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html (argon2id is this library's default) */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Longer ones are refused before any work. */
export const MAX_PASSWORD_BYTES = 1024;
/** One core stays free for everything else: those who are to be told "later" must not wait for the hashing of others. */
const MAX_RUNNING = Math.min(2, Math.max(1, availableParallelism() - 1));
const MAX_WAITING = 30;

const MIN_CHARACTERS = 8;

/** Why somebody may not choose a password, in words for the page; undefined when they may. */
export function weaknessOf(password: string, username: string): string | undefined {
  if ([...password].length < MIN_CHARACTERS) return `Take a password of at least ${MIN_CHARACTERS} characters.`;
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES)
    return `Take a password of at most ${MAX_PASSWORD_BYTES} bytes.`;
  if (password.trim().toLowerCase() === username) return 'Take a password that is not your username.';
  return undefined;
}

let running = 0;
const waiting: (() => void)[] = [];

export async function hashPassword(password: string): Promise<string> {
  return bounded(() => hash(normalize(password), PARAMETERS));
}

/** The same password hashed with the costs of today: with the salt it has, so that `markOfPassword` stays. */
export async function rehashPassword(password: string, stored: string): Promise<string> {
  const salt = Buffer.from(markOfPassword(stored), 'base64');
  return bounded(() => hash(normalize(password), { ...PARAMETERS, salt }));
}

/**
 * What stands for one password of one account, whatever it was hashed with: the salt of the PHC string. It changes with
 * the password and with nothing else. '' for an account without one.
 * @see https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
 */
export function markOfPassword(stored: string | null): string {
  return stored?.split('$')[4] ?? '';
}

/**
 * @param stored null for an account without a password or no account at all: the same work is done, so that the time
 *   does not tell which names exist
 */
export async function verifyPassword(stored: string | null, password: string, log: Log): Promise<boolean> {
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return false;
  const right = await bounded(async () => {
    try {
      return await verify(stored ?? (await decoy()), normalize(password));
    } catch (error) {
      log.error({ err: error }, 'a stored password hash could not be read');
      return false;
    }
  });
  return right && stored !== null;
}

/** One form for what looks the same on two keyboards (é typed as one or two characters); spaces and case are kept. */
function normalize(password: string): string {
  return password.normalize('NFC');
}

let decoyHash: Promise<string> | undefined;
function decoy(): Promise<string> {
  return (decoyHash ??= hash('nobody has this password', PARAMETERS));
}

/** Whether a hash was made with other costs than today's and should be made again at the next chance. */
export function needsRehash(stored: string): boolean {
  const { memoryCost, timeCost, parallelism } = PARAMETERS;
  return !stored.startsWith(`$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`);
}

async function bounded<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_RUNNING) {
    if (waiting.length >= MAX_WAITING) {
      const sentence = 'Too many people are signing in with a password at this moment. Please try again shortly.';
      throw new AppError('unavailable', { sentence, retryAfterSeconds: 2 });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else {
    running += 1;
  }
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }
}
