// Not by name: see check-node.ts.
import crypto from "node:crypto";
import type { IntegrityKeyFault } from "../errors/integrity-key-error.ts";
import type { IntegrityKey, IntegrityOptions } from "./integrity-options.ts";

/** The key for a document (undefined if it was hashed without one), or why there is none. */
type KeyChoice = { readonly key: IntegrityKey | undefined } | { readonly fault: IntegrityKeyFault };

/** The id that a user gave a key, and the fingerprint of the key; only the fingerprint without an id. */
const KEY_NAME = /^(?:([\w-]{1,32}):)?([\w-]{8})$/;

/** Whether a text can be the name of a key that a document was hashed with. */
export function isKeyName(value: unknown): value is string {
  return typeof value === "string" && KEY_NAME.test(value);
}

/** The keys of a saver or a cache, by the names that documents carry. */
export class KeyRing {
  // `#`, so that printing a saver shows no key.
  readonly #keys = new Map<string, IntegrityKey>();
  #acceptsUnkeyed: boolean;

  /** The name of the key that new documents are hashed with; undefined if there is none. */
  current: string | undefined;

  /** @param options checked ones */
  constructor(options: IntegrityOptions | undefined) {
    const { key, keys = {}, currentKeyId, acceptUnkeyed = false } = options ?? {};
    this.#acceptsUnkeyed = options === undefined || acceptUnkeyed;
    if (key !== undefined) this.current = this.#add(undefined, key);
    for (const [id, one] of Object.entries(keys)) {
      const name = this.#add(id, one);
      if (id === currentKeyId) this.current = name;
    }
  }

  /** The names of all keys. */
  get names(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /** Differs between rings that read or write differently. It tells nothing about the keys. */
  get digest(): string {
    const hash = crypto.createHash("sha256").update("threadkeep:key ring\n");
    hash.update(JSON.stringify([this.current ?? null, this.#acceptsUnkeyed]));
    for (const [name, key] of this.#keys) {
      hash.update(`\n${name}\n`).update(crypto.createHash("sha256").update(key).digest());
    }
    return hash.digest("hex");
  }

  /**
   * Finds the key to verify a document with.
   *
   * @param name the key that the document names; undefined if it was hashed without one
   */
  find(name: string | undefined): KeyChoice {
    if (name === undefined) return this.#acceptsUnkeyed ? { key: undefined } : { fault: "unkeyed" };
    const own = this.#keys.get(name);
    if (own !== undefined) return { key: own };
    const { id, fingerprint } = parseName(name);
    // The same key may have had no id, or another one, before.
    for (const [other, key] of this.#keys) {
      if (parseName(other).fingerprint === fingerprint) return { key };
    }
    if (this.#keys.size === 0) return { fault: "no-key" };
    const isIdTaken = id !== undefined && this.names.some((other) => parseName(other).id === id);
    return { fault: isIdTaken ? "another-key" : "unknown-key" };
  }

  /** A ring that also reads what was hashed with another key. */
  with(key: IntegrityKey): KeyRing {
    const ring = new KeyRing(undefined);
    ring.#acceptsUnkeyed = this.#acceptsUnkeyed;
    ring.current = this.current;
    for (const [name, own] of this.#keys) ring.#keys.set(name, own);
    ring.#add(undefined, key);
    return ring;
  }

  #add(id: string | undefined, key: IntegrityKey): string {
    const fingerprint = takeFingerprint(key);
    const name = id === undefined ? fingerprint : `${id}:${fingerprint}`;
    // A copy: the caller may overwrite the bytes.
    this.#keys.set(name, typeof key === "string" ? key : Uint8Array.from(key));
    return name;
  }
}

function parseName(name: string): { id: string | undefined; fingerprint: string | undefined } {
  const [, id, fingerprint] = KEY_NAME.exec(name) ?? [];
  return { id, fingerprint };
}

/**
 * 48 bits by which a key is recognised. They tell no more about the key than the hash of any document: both
 * only show whether a guess is right.
 */
function takeFingerprint(key: IntegrityKey): string {
  const hmac = crypto.createHmac("sha256", key).update("threadkeep:key fingerprint\n").digest();
  return hmac.subarray(0, 6).toString("base64url");
}
