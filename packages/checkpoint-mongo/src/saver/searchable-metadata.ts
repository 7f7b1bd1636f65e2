const MAX_DEPTH = 8;

/**
 * A copy of metadata that the server can search: what BSON has, under keys that queries can name.
 * What is left out is still in the metadata itself and is compared after reading.
 */
export function toSearchable(metadata: object): Record<string, unknown> {
  return copyEntries(metadata, 1);
}

/** Whether the searchable copy decides on a filter: a plain value under a key that can be named. */
export function isSearchable(key: string, value: unknown): boolean {
  return isSearchableKey(key) && isScalar(value);
}

function copyEntries(object: object, depth: number): Record<string, unknown> {
  const copied: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(object) as [string, unknown][]) {
    const copyOfValue = isSearchableKey(key) ? copy(value, depth) : undefined;
    if (copyOfValue !== undefined) copied[key] = copyOfValue;
  }
  return copied;
}

function copy(value: unknown, depth: number): unknown {
  if (isScalar(value)) return value;
  if (depth === MAX_DEPTH || typeof value !== "object" || value === null) return undefined;
  if (Array.isArray(value)) return value.map((item) => copy(item, depth + 1) ?? null);
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null
    ? copyEntries(value, depth + 1)
    : undefined;
}

function isSearchableKey(key: string): boolean {
  return (
    key !== "" &&
    key !== "__proto__" &&
    key.isWellFormed() &&
    !key.startsWith("$") &&
    !/[.\0]/.test(key)
  );
}

/** Whether BSON gives the value back as it is. */
function isScalar(value: unknown): boolean {
  return (
    value === null ||
    typeof value === "boolean" ||
    (typeof value === "string" && value.isWellFormed()) ||
    (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0))
  );
}
