import type { BinaryClass } from "../driver/binary-class.ts";
import { isBinary, readSubtype, toBytes } from "../driver/binary.ts";

// Stored documents as JSON. What JSON does not have is an object with one field whose name begins with `$`.
// A document's own object with such a field is written as the list of its fields.

type Json = string | number | boolean | null | readonly Json[] | { readonly [field: string]: Json };

/** What numbers JSON does not have. */
const NUMBERS = new Map<string, number>([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
  ["-0", -0],
]);

/** Writes a stored document as JSON. */
export function toStoredJson(document: object): string {
  return JSON.stringify(toJson(document));
}

/**
 * Makes the document of parsed JSON.
 *
 * @throws Error if it is not as {@link toStoredJson} writes it
 */
export function fromStoredJson(json: unknown, Binary: BinaryClass): unknown {
  if (Array.isArray(json)) return json.map((item) => fromStoredJson(item, Binary));
  if (typeof json !== "object" || json === null) return json;
  const entries = Object.entries(json);
  if (!entries.some(([name]) => name.startsWith("$"))) return fromEntries(entries, Binary);
  const [[tag, value], second] = entries as [[string, unknown], [string, unknown]?];
  if (tag === "$bytes" && typeof value === "string") {
    const bytes = Buffer.from(value, "base64");
    if (second === undefined) return bytes;
    const [name, subtype] = second;
    if (name === "$subtype" && Number.isSafeInteger(subtype) && entries.length === 2) {
      return new Binary(bytes, subtype as number);
    }
  }
  if (entries.length === 1) {
    if (tag === "$date" && typeof value === "number") return new Date(value);
    if (tag === "$number" && NUMBERS.has(String(value))) return NUMBERS.get(String(value));
    if (tag === "$object" && Array.isArray(value)) {
      return fromEntries(value as [string, unknown][], Binary);
    }
  }
  throw new Error("it holds a value of an unknown kind");
}

/** A field may have any name, also `__proto__`. */
function fromEntries(
  entries: readonly (readonly [string, unknown])[],
  Binary: BinaryClass,
): object {
  return Object.fromEntries(entries.map(([name, value]) => [name, fromStoredJson(value, Binary)]));
}

function toJson(value: unknown): Json {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? "-0" : String(value) };
    case "object":
      return value === null ? null : toJsonObject(value);
    default:
      throw new TypeError(`A stored document holds a value of type ${typeof value}.`);
  }
}

function toJsonObject(value: object): Json {
  if (isBinary(value)) {
    const { buffer, byteOffset, byteLength } = toBytes(value);
    const $bytes = Buffer.from(buffer, byteOffset, byteLength).toString("base64");
    const subtype = readSubtype(value);
    return subtype === 0 ? { $bytes } : { $bytes, $subtype: subtype };
  }
  if (value instanceof Date) return { $date: value.getTime() };
  if (Array.isArray(value)) return value.map(toJson);
  if ("_bsontype" in value) {
    throw new TypeError(`A stored document holds a ${String(value._bsontype)}.`);
  }
  const entries = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .map(([name, field]): [string, Json] => [name, toJson(field)]);
  return entries.some(([name]) => name.startsWith("$"))
    ? { $object: entries }
    : Object.fromEntries(entries);
}
