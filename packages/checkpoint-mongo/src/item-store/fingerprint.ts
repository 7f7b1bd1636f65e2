import { createHash } from "node:crypto";
import { isBinary, toBytes } from "../driver/binary.ts";

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
  // Bytes come back as a `Binary` of the client's own driver.
  if (isBinary(value)) return `bytes:${Buffer.from(toBytes(value)).toString("base64")}`;
  const entries = Object.entries(value);
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}:${describe(entry)}`).join(",")}}`;
}
