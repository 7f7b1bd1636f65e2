type Entries = Record<string, unknown>;

/** A deep copy of parsed JSON. Strings are shared. */
export function copyTree(tree: unknown): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) {
    const items = tree.slice() as unknown[];
    for (let index = 0; index < items.length; index += 1) {
      const item = items[index];
      if (typeof item === "object" && item !== null) items[index] = copyTree(item);
    }
    return items;
  }
  const copy: Entries = { ...tree };
  for (const key in copy) {
    const entry = copy[key];
    if (typeof entry !== "object" || entry === null) continue;
    if (key === "__proto__") define(copy, key, copyTree(entry));
    else copy[key] = copyTree(entry);
  }
  return copy;
}

/** Like an assignment, but "__proto__" sets the key and not the prototype. */
export function define(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, {
    value,
    configurable: true,
    enumerable: true,
    writable: true,
  });
}
