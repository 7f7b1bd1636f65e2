import { isBinary, toBytes } from "../driver/binary.ts";

/** Bytes that a value takes in a command, about: names, text and bytes; the rest is small. */
export function measureDocument(value: unknown): number {
  if (typeof value === "string") return 5 + Buffer.byteLength(value);
  if (typeof value !== "object" || value === null || value instanceof Date) return 8;
  if (isBinary(value)) return 5 + toBytes(value).byteLength;
  let bytes = 5;
  for (const key of Object.keys(value)) {
    bytes += 2 + key.length + measureDocument((value as Readonly<Record<string, unknown>>)[key]);
  }
  return bytes;
}
