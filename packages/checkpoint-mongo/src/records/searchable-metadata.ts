import { isPlainObject } from "../codec/values/plain-data.ts";

const MAX_DEPTH = 8;

/**
 * A copy of metadata that the server can search: what BSON has, under keys that queries can name.
 * What is left out is still in the metadata itself and is compared after reading.
 */
export function toSearchable(metadata: object): Record<string, unknown> {
  return copyEntries(metadata, 1);
}

/**
 * What the searchable copy must hold for metadata to match a filter, by path, for example
 * `{"user.id": 7}`. What the copy cannot tell is compared after reading.
 */
export function toConditions(filter: object): Record<string, unknown> {
  return Object.fromEntries(listConditions(filter, "", 1));
}

function* listConditions(
  filter: object,
  prefix: string,
  depth: number,
): Generator<[path: string, value: unknown]> {
  if (depth === MAX_DEPTH) return;
  for (const [key, value] of Object.entries(filter) as [string, unknown][]) {
    if (!isSearchableKey(key)) continue;
    const path = prefix + key;
    if (isScalar(value)) yield [path, value];
    else if (isPlainObject(value)) yield* listConditions(value, `${path}.`, depth + 1);
    else if (Array.isArray(value) && value.every(isScalar)) yield [path, value];
  }
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
  if (depth === MAX_DEPTH) return undefined;
  // Not by map, which would keep holes: BSON has none.
  if (Array.isArray(value)) return Array.from(value, (item) => copy(item, depth + 1) ?? null);
  return isPlainObject(value) ? copyEntries(value, depth + 1) : undefined;
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
