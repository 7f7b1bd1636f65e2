import { isBinary, toBytes } from "./binary.ts";

/**
 * Bytes that a document may take: servers accept 16 MB. The rest is for what is not measured, and for what
 * later updates add.
 */
export const MAX_DOCUMENT_BYTES: number = 16 * 1_024 * 1_024 - 256 * 1_024;

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
