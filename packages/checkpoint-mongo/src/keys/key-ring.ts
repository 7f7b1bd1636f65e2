// Not by name: see check-node.ts.
import crypto from "node:crypto";
import type { IntegrityKeyFault } from "../errors/integrity-key-error.ts";
import type { IntegrityKey, IntegrityOptions } from "./integrity-options.ts";

/** What is used for a document: its key, none where it was hashed without one, or why neither. */
type KeyChoice = { readonly key: IntegrityKey | undefined } | { readonly fault: IntegrityKeyFault };

/** The id that a user gave a key; then, by itself for a key without one, the key's fingerprint. */
const KEY_NAME = /^(?:([\w-]{1,32}):)?([\w-]{8})$/;

/** Whether a text can be the name of a key that a document was hashed with. */
export function isKeyName(value: unknown): value is string {
  return typeof value === "string" && KEY_NAME.test(value);
}

/** The keys of a saver or a cache, by the names that documents carry. */
export class KeyRing {
  // Private: whoever prints a saver must not see a key.
  readonly #keys = new Map<string, IntegrityKey>();
  readonly #acceptsUnkeyed: boolean;

  /** The name of the key that new documents are hashed with; undefined if there is none. */
  readonly current: string | undefined;

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

  /** Differs between rings that read or write differently, and tells nothing of the keys. */
  get digest(): string {
    const hash = crypto.createHash("sha256").update("threadkeep:key ring\n");
    hash.update(JSON.stringify([this.current ?? null, this.#acceptsUnkeyed]));
    for (const [name, key] of this.#keys) {
      hash.update(`\n${name}\n`).update(crypto.createHash("sha256").update(key).digest());
    }
    return hash.digest("hex");
  }

  /**
   * Finds what a document is to be checked with.
   *
   * @param name what the document names; undefined if it was hashed without a key
   */
  find(name: string | undefined): KeyChoice {
    if (name === undefined) return this.#acceptsUnkeyed ? { key: undefined } : { fault: "unkeyed" };
    const own = this.#keys.get(name);
    if (own !== undefined) return { key: own };
    const { id, fingerprint } = parseName(name);
    // The same key may have been given without an id, or under another one, before.
    for (const [other, key] of this.#keys) {
      if (parseName(other).fingerprint === fingerprint) return { key };
    }
    if (this.#keys.size === 0) return { fault: "no-key" };
    const isIdTaken = id !== undefined && this.names.some((other) => parseName(other).id === id);
    return { fault: isIdTaken ? "another-key" : "unknown-key" };
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
 * 48 bits by which a key is recognised. An HMAC gives nothing away of its key but what any document's
 * hash gives as well: that a guess was right.
 */
function takeFingerprint(key: IntegrityKey): string {
  const hmac = crypto.createHmac("sha256", key).update("threadkeep:key fingerprint\n").digest();
  return hmac.subarray(0, 6).toString("base64url");
}
