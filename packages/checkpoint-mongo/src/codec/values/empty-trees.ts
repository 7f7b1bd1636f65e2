import { define } from "./define.ts";

/** All empty arrays of shadows. */
const NO_ITEMS: readonly never[] = Object.freeze([]);

/** All empty objects of shadows. */
export const NO_ENTRIES: Readonly<Record<string, never>> = Object.freeze({});

/** Replaces empty arrays and objects by shared ones, to save memory and time: each message has several. */
export function shareEmpty(tree: unknown): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) {
    if (tree.length === 0) return NO_ITEMS;
    for (const [index, item] of tree.entries()) {
      if (typeof item === "object") tree[index] = shareEmpty(item);
    }
    return tree;
  }
  const keys = Object.keys(tree);
  if (keys.length === 0) return NO_ENTRIES;
  for (const key of keys) {
    const entry = (tree as Record<string, unknown>)[key];
    const shared = shareEmpty(entry);
    if (shared !== entry) define(tree, key, shared);
  }
  return tree;
}
