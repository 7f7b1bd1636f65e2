/**
 * A value that JSON can hold, for `--json`: texts for what JSON has no form for. LangChain's messages become
 * `{ type, data }`, as LangChain stores them elsewhere.
 */
export function toJson(value: unknown): unknown {
  return convert(value, []);
}

function convert(value: unknown, around: readonly object[]): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "function" || typeof value === "symbol") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (around.includes(value)) return "[circular]";
  const inside = [...around, value];
  const each = (entry: unknown): unknown => convert(entry, inside);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return String(value);
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (value instanceof Map) return Array.from(value, ([key, entry]) => [each(key), each(entry)]);
  if (value instanceof Set) return Array.from(value, each);
  if (ArrayBuffer.isView(value)) {
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64");
  }
  if (Array.isArray(value)) return value.map(each);
  if ("toDict" in value && typeof value.toDict === "function") {
    return each((value.toDict as () => unknown)());
  }
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, each(entry)]));
}

/** Text of `--json`. */
export function stringify(value: unknown): string {
  return JSON.stringify(toJson(value), undefined, 2);
}
