// Not by name: see check-node.ts.
import crypto from "node:crypto";
import { EncryptionKeyError, type EncryptionKeyFault } from "../errors/encryption-key-error.ts";
import type { DataKeyContext, EncryptionKey, KeyProvider } from "./encryption-options.ts";

// A wrapped key: 6 bytes that tell the master key, a nonce of 12 bytes, the ciphertext, a tag of 16 bytes.

const FINGERPRINT_BYTES = 6;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

interface MasterKey {
  readonly wrapping: Uint8Array;
  readonly fingerprint: Uint8Array;
}

/** Wraps data keys with master keys that are in memory. */
export class LocalKeyProvider implements KeyProvider {
  readonly currentKeyId: string;
  // `#`, so that printing a saver shows no key.
  readonly #keys: ReadonlyMap<string, MasterKey>;

  /** @param keys checked ones */
  constructor(keys: Readonly<Record<string, EncryptionKey>>, currentKeyId: string) {
    this.currentKeyId = currentKeyId;
    this.#keys = new Map(Object.entries(keys).map(([id, key]) => [id, toMasterKey(key)]));
  }

  /** The ids of all keys. */
  get keyIds(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Differs between providers with other keys. It tells nothing about the keys. */
  get digest(): string {
    const all = Array.from(this.#keys, ([id, { fingerprint }]) => [
      id,
      Buffer.from(fingerprint).toString("hex"),
    ]);
    return JSON.stringify([this.currentKeyId, ...all]);
  }

  async wrap(dataKey: Uint8Array, keyId: string, context: DataKeyContext): Promise<Uint8Array> {
    const { wrapping, fingerprint } = this.#find(keyId, context);
    const nonce = crypto.randomBytes(NONCE_BYTES);
    const cipher = crypto.createCipheriv("aes-256-gcm", wrapping, nonce, {
      authTagLength: TAG_BYTES,
    });
    cipher.setAAD(formatContext(keyId, context));
    const encrypted = cipher.update(dataKey);
    cipher.final();
    return Buffer.concat([fingerprint, nonce, encrypted, cipher.getAuthTag()]);
  }

  async unwrap(wrapped: Uint8Array, keyId: string, context: DataKeyContext): Promise<Uint8Array> {
    const { wrapping, fingerprint } = this.#find(keyId, context);
    const nonceEnd = FINGERPRINT_BYTES + NONCE_BYTES;
    if (wrapped.byteLength <= nonceEnd + TAG_BYTES) {
      throw this.#refuse("damaged-data-key", keyId, context);
    }
    if (Buffer.compare(wrapped.subarray(0, FINGERPRINT_BYTES), fingerprint) !== 0) {
      throw this.#refuse("another-key", keyId, context);
    }
    const nonce = wrapped.subarray(FINGERPRINT_BYTES, nonceEnd);
    const decipher = crypto.createDecipheriv("aes-256-gcm", wrapping, nonce, {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(formatContext(keyId, context));
    decipher.setAuthTag(wrapped.subarray(-TAG_BYTES));
    const dataKey = decipher.update(wrapped.subarray(nonceEnd, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      throw this.#refuse("damaged-data-key", keyId, context);
    }
    return dataKey;
  }

  #find(keyId: string, context: DataKeyContext): MasterKey {
    const key = this.#keys.get(keyId);
    if (key === undefined) throw this.#refuse("unknown-key", keyId, context);
    return key;
  }

  #refuse(fault: EncryptionKeyFault, keyId: string, context: DataKeyContext): EncryptionKeyError {
    return new EncryptionKeyError(describeDataKey(context), {
      fault,
      keyId,
      knownKeyIds: this.keyIds,
    });
  }
}

/** Names what a data key is for, as messages do. */
export function describeDataKey({ threadId }: DataKeyContext): string {
  return threadId === undefined ? "what all threads share" : `the thread "${threadId}"`;
}

function toMasterKey(key: EncryptionKey): MasterKey {
  const derive = (purpose: string, length: number): Uint8Array =>
    new Uint8Array(crypto.hkdfSync("sha256", key, "", `threadkeep:${purpose}`, length));
  return {
    wrapping: derive("wrapping of data keys", 32),
    fingerprint: derive("fingerprint of a master key", FINGERPRINT_BYTES),
  };
}

function formatContext(keyId: string, { threadId, epoch }: DataKeyContext): Uint8Array {
  return Buffer.from(JSON.stringify(["data key", keyId, threadId ?? null, epoch]));
}
