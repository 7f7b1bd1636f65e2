import { isDeepStrictEqual } from "node:util";

/** Metadata keys, and the values that they must have. */
export type MetadataFilter = Readonly<Record<string, unknown>>;

/** Whether metadata has all keys of a filter, each with a value that is deeply the same. */
export function matchesMetadata(metadata: unknown, filter: MetadataFilter): boolean {
  const found = (metadata ?? {}) as MetadataFilter;
  return Object.entries(filter).every(
    ([key, value]) => Object.hasOwn(found, key) && isDeepStrictEqual(found[key], value),
  );
}
