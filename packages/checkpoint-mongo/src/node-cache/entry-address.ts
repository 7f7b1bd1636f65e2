import type { CacheFullKey, CacheNamespace } from "@langchain/langgraph-checkpoint";
import { createHash } from "node:crypto";
import { writePlainJson } from "../codec/values/plain-json.ts";
import { InvalidAddressError } from "../errors/invalid-address-error.ts";

/** The address of an entry. */
export interface EntryAddress {
  readonly namespace: CacheNamespace;
  /** The id that all entries of its namespace share. */
  readonly namespaceId: Uint8Array;
  readonly key: string;
  /** Version, namespace and key as one text, different for different addresses. */
  readonly text: string;
  /** The document's `_id`: the SHA-256 of the text. */
  readonly id: Uint8Array;
}

/**
 * The addresses of the entries of one version. Versions do not see each other's entries, so that a node whose
 * code has changed does not get a result of its old code.
 */
export class EntryAddresses {
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  /**
   * Parses the key of an entry.
   *
   * @param field where it is in the arguments, for the error
   * @throws InvalidAddressError if it is not a pair of an array of strings and a string
   */
  parse(fullKey: CacheFullKey, field: string): EntryAddress {
    if (!Array.isArray(fullKey) || fullKey.length !== 2) {
      throw new InvalidAddressError(field, "a pair of namespace and key", fullKey);
    }
    const [namespace, key] = fullKey;
    const namespaceId = this.hashNamespace(namespace, `${field}[0]`);
    if (typeof key !== "string") throw new InvalidAddressError(`${field}[1]`, "a string", key);
    // JSON keeps ["a,b"] and ["a","b"] apart, and also lone surrogates, which UTF-8 cannot encode.
    const text = writePlainJson([this.#version, namespace, key]);
    return { namespace: [...namespace], namespaceId, key, text, id: hash(text) };
  }

  /**
   * The id that all entries of a namespace share: the first 16 bytes of its SHA-256.
   *
   * @throws InvalidAddressError if it is not an array of strings
   */
  hashNamespace(namespace: CacheNamespace, field: string): Uint8Array {
    checkNamespace(namespace, field);
    return hash(writePlainJson([this.#version, namespace])).subarray(0, 16);
  }
}

function checkNamespace(namespace: unknown, field: string): void {
  if (!Array.isArray(namespace)) {
    throw new InvalidAddressError(field, "an array of strings", namespace);
  }
  for (const [index, part] of namespace.entries()) {
    if (typeof part !== "string") {
      throw new InvalidAddressError(`${field}[${index}]`, "a string", part);
    }
  }
}

function hash(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
