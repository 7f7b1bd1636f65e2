import { types } from "node:util";
import { areOfOtherClass, encodeBinary } from "./binary-values.ts";
import type { TagName } from "./tags.ts";

/** An object of a built-in class that holds no other values, as it is stored. */
export interface Leaf {
  readonly tag: TagName;
  readonly json: unknown;
  /** How many enumerable keys it should have; undefined if that is not checked. */
  readonly keyCount: number | undefined;
}

/** Takes bytes, a URL, search parameters or headers apart; undefined for anything else. */
export function readLeaf(value: object): Leaf | undefined {
  const binary = encodeBinary(value);
  if (binary !== undefined) {
    return { tag: "bytes", json: binary, keyCount: countKeysOfBytes(binary[0], value) };
  }
  if (value instanceof URL) return { tag: "url", json: value.href, keyCount: 0 };
  if (value instanceof URLSearchParams) {
    return { tag: "search-params", json: value.toString(), keyCount: 0 };
  }
  // By its tag first: reading the global `Headers` makes Node.js load all of fetch.
  if (isTagged(value, "Headers") && value instanceof Headers) {
    return { tag: "headers", json: [...value], keyCount: 0 };
  }
  return undefined;
}

/** The primitive inside a wrapper object such as `new String("text")`. */
export function unbox(value: object): unknown {
  if (types.isStringObject(value)) return String.prototype.valueOf.call(value);
  if (types.isNumberObject(value)) return Number.prototype.valueOf.call(value);
  if (types.isBooleanObject(value)) return Boolean.prototype.valueOf.call(value);
  return types.isBigIntObject(value)
    ? BigInt.prototype.valueOf.call(value)
    : Symbol.prototype.valueOf.call(value);
}

/** Listing the keys of bytes takes longer than encoding them, so it is done only if needed. */
function countKeysOfBytes(kind: string, value: object): number | undefined {
  if (!areOfOtherClass(kind, value)) return undefined;
  return "length" in value ? (value.length as number) : 0;
}

function isTagged(value: object, name: string): boolean {
  return (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === name;
}
