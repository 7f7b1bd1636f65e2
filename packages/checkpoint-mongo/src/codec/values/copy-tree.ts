import { define } from "./define.ts";
import { NO_ENTRIES } from "./empty-trees.ts";

type Entries = Record<string, unknown>;

/** A deep copy of parsed JSON. Strings are shared. */
export function copyTree(tree: unknown): unknown {
  return typeof tree === "object" && tree !== null ? copyObject(tree) : tree;
}

function copyObject(tree: object): object {
  if (tree === NO_ENTRIES) return {};
  if (Array.isArray(tree)) {
    if (tree.length === 0) return [];
    const items = tree.slice() as unknown[];
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index];
      if (typeof item === "object" && item !== null) items[index] = copyObject(item);
    }
    return items;
  }
  const copy: Entries = { ...tree };
  for (const key in copy) {
    const entry = copy[key];
    if (typeof entry !== "object" || entry === null) continue;
    // What a library has added to all objects is no entry.
    if (!Object.hasOwn(copy, key)) continue;
    if (key === "__proto__") define(copy, key, copyObject(entry));
    else copy[key] = copyObject(entry);
  }
  return copy;
}
