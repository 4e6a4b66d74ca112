// Secrets that we have to keep and give back, sealed with AES-256-GCM (NIST SP 800-38D).
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals a text with the newest key.
 * @param keys 64 hex digits each, newest first
 * @param row where it will be kept, `provider_tokens 17`: in any other place it does not open
 * @returns `<key id>.<base64url of nonce, tag and ciphertext>`
 */
export function seal(text: string, keys: readonly string[], row: string): string {
  const [newest] = keys;
  if (newest === undefined) throw new Error('there is no key to seal with');
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, Buffer.from(newest, 'hex'), nonce).setAAD(Buffer.from(row));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return `${keyId(newest)}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
}

/** @returns undefined when its key is gone, it was moved from another row, or it was changed */
export function unseal(sealed: string, keys: readonly string[], row: string): string | undefined {
  const [id, body = ''] = sealed.split('.');
  const key = keys.find((candidate) => keyId(candidate) === id);
  const bytes = Buffer.from(body, 'base64url');
  if (key === undefined || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(CIPHER, Buffer.from(key, 'hex'), nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(row)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
    return text.toString('utf8');
  } catch {
    return undefined;
  }
}

/** Whether it should be sealed anew: an older key was used. */
export function isSealedWithOldKey(sealed: string, [newest]: readonly string[]): boolean {
  return newest === undefined || sealed.split('.')[0] !== keyId(newest);
}

/** Tells keys apart and nothing about them. */
function keyId(key: string): string {
  return createHash('sha256').update(`key id ${key}`).digest('hex').slice(0, 8);
}
