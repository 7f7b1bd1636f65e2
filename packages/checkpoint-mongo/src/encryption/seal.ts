// Not by name: see check-node.ts.
import crypto, { type KeyObject } from "node:crypto";

// Sealed bytes: a byte that says how, a nonce of 12 bytes, the ciphertext, a tag of 16 bytes. AES-256-GCM.

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1;

/** What sealing adds to bytes. */
const SEAL_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/** The first four bits of the first byte. */
const FORMAT = 0x10;

/** The last four bits of it say how what is sealed was packed. */
const PACKING_BITS = 0x0f;

/** Sealed bytes, opened. */
export interface Opened {
  readonly bytes: Uint8Array;
  /** A number from 0 to 15 that was sealed with them. */
  readonly packing: number;
}

/**
 * Encrypts bytes for one place. They open with the same key and the same place only.
 *
 * @param place names where they are stored
 * @param packing a number from 0 to 15, in clear text but authenticated
 * @param nonce by default a random one. With 2^32 of them, a key has a chance of 2^-32 that two are the same
 */
export function seal(
  key: KeyObject,
  bytes: Uint8Array,
  place: string,
  packing = 0,
  nonce: Uint8Array = takeNonce(),
): Uint8Array {
  const header = Buffer.of(FORMAT | packing);
  const cipher = crypto.createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.concat([header, Buffer.from(place)]));
  const encrypted = cipher.update(bytes);
  cipher.final();
  return Buffer.concat([header, nonce, encrypted, cipher.getAuthTag()]);
}

/** Opens what {@link seal} made; undefined if it was made with another key, for another place, or changed since. */
export function open(key: KeyObject, sealed: Uint8Array, place: string): Opened | undefined {
  const header = sealed[0];
  if (header === undefined || sealed.byteLength < SEAL_BYTES) return undefined;
  if ((header & ~PACKING_BITS) !== FORMAT) return undefined;
  const nonce = sealed.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
  const decipher = crypto.createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([Buffer.of(header), Buffer.from(place)]));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const bytes = decipher.update(sealed.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return { bytes, packing: header & PACKING_BITS };
}

/** Random bytes are taken many at a time: each call costs more than the bytes. */
let pool: Buffer = Buffer.alloc(0);
const POOL_BYTES = 256 * NONCE_BYTES;

function takeNonce(): Uint8Array {
  if (pool.byteLength < NONCE_BYTES) pool = crypto.randomBytes(POOL_BYTES);
  const nonce = pool.subarray(0, NONCE_BYTES);
  pool = pool.subarray(NONCE_BYTES);
  return nonce;
}

/**
 * Derives a key for one purpose from another key: HKDF with SHA-256 (RFC 5869).
 *
 * @param purpose keys of different purposes tell nothing about each other
 */
export function deriveKey(from: Uint8Array | string, purpose: string): KeyObject {
  return crypto.createSecretKey(deriveBytes(from, purpose));
}

/** The bytes of {@link deriveKey}. */
export function deriveBytes(from: Uint8Array | string, purpose: string): Uint8Array {
  return new Uint8Array(crypto.hkdfSync("sha256", from, "", `threadkeep:${purpose}`, 32));
}

/** The first bytes of HMAC-SHA-256 over some bytes and what they are for. */
export function authenticate(
  key: KeyObject,
  purpose: string,
  bytes: Uint8Array | string,
  length: number,
): Uint8Array {
  // The purpose holds no line break outside of JSON.
  return crypto
    .createHmac("sha256", key)
    .update(`${purpose}\n`)
    .update(bytes)
    .digest()
    .subarray(0, length);
}
