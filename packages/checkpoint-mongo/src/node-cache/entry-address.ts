import type { CacheFullKey, CacheNamespace } from "@langchain/langgraph-checkpoint";
import { createHash } from "node:crypto";
import { writePlainJson } from "../codec/values/plain-json.ts";
import { InvalidAddressError } from "../errors/invalid-address-error.ts";

/** Where an entry lies. */
export interface EntryAddress {
  readonly namespace: CacheNamespace;
  /** What the entries of its namespace have in common. */
  readonly namespaceId: Uint8Array;
  readonly key: string;
  /** Version, namespace and key as one text: no two addresses have the same. */
  readonly text: string;
  /** The document's `_id`: the SHA-256 of the text. */
  readonly id: Uint8Array;
}

/**
 * Where the entries of one version lie. Versions do not see each other's, so that a node whose code
 * has changed does not get what its old code returned.
 */
export class EntryAddresses {
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  /**
   * Reads what the caller names an entry by.
   *
   * @param field where it stands in the arguments, for the error
   * @throws InvalidAddressError if it is no pair of an array of strings and a string
   */
  parse(fullKey: CacheFullKey, field: string): EntryAddress {
    if (!Array.isArray(fullKey) || fullKey.length !== 2) {
      throw new InvalidAddressError(field, "a pair of namespace and key", fullKey);
    }
    const [namespace, key] = fullKey;
    const namespaceId = this.hashNamespace(namespace, `${field}[0]`);
    if (typeof key !== "string") throw new InvalidAddressError(`${field}[1]`, "a string", key);
    // JSON keeps ["a,b"] and ["a","b"] apart, and surrogates without their other half, which UTF-8
    // has no form for.
    const text = writePlainJson([this.#version, namespace, key]);
    return { namespace: [...namespace], namespaceId, key, text, id: hash(text) };
  }

  /**
   * What the entries of a namespace have in common: the first 16 bytes of its SHA-256.
   *
   * @throws InvalidAddressError if it is no array of strings
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
