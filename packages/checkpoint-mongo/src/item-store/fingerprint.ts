import { createHash } from "node:crypto";

/**
 * A hash of a BSON value, the same before it is sent and after it was read. It shows whether a value is still
 * the one that the exact text beside it was written for.
 */
export function fingerprint(value: unknown): string {
  return createHash("sha256").update(describe(value)).digest("base64url").slice(0, 27);
}

function describe(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "object":
      return value === null ? "null" : describeObject(value);
    default:
      return String(value);
  }
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `[${value.map(describe).join(",")}]`;
  if (value instanceof Date) return `date:${value.getTime()}`;
  const bytes = readBytes(value);
  if (bytes !== undefined) return `bytes:${Buffer.from(bytes).toString("base64")}`;
  const entries = Object.entries(value);
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${describe(entry)}`).join(",")}}`;
}

/** Bytes come back as a `Binary` of the client's own driver. */
function readBytes(value: object): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  const binary = value as { _bsontype?: unknown; value?: unknown };
  return binary._bsontype === "Binary" && typeof binary.value === "function"
    ? (binary as { value(): Uint8Array }).value()
    : undefined;
}
