/** One step into a value: a field, an item, the last items, or all of them. */
const STEP = /\[(?<index>-?\d+|\*)\]|(?<field>[^.[\]]+)/g;

/**
 * Reads the value at a path in LangGraph's notation: `metadata.title`, `chapters[*].content`,
 * `authors[0].name`, `tags[-1]`. With `*` the result is an array of all values found.
 *
 * @returns undefined if there is nothing
 */
export function readPath(value: unknown, path: string): unknown {
  // A field with exactly this name comes first.
  const own = readField(value, path);
  if (own !== undefined) return own;
  let found: unknown[] = [value];
  let hasMany = false;
  for (const { groups } of path.matchAll(STEP)) {
    const { index, field = "" } = groups as { index?: string; field?: string };
    if (index === "*" || field === "*") {
      hasMany = true;
      found = found.flatMap((entry) => listEntries(entry));
    } else {
      found = found.map((entry) =>
        index === undefined ? readField(entry, field) : readItem(entry, Number(index)),
      );
    }
    found = found.filter((entry) => entry !== undefined);
  }
  if (found.length === 0) return undefined;
  return hasMany ? found : found[0];
}

function readField(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, field)
    ? (value as Record<string, unknown>)[field]
    : undefined;
}

function readItem(value: unknown, index: number): unknown {
  return Array.isArray(value) ? (value as unknown[]).at(index) : undefined;
}

function listEntries(value: unknown): unknown[] {
  return typeof value === "object" && value !== null ? Object.values(value) : [];
}
