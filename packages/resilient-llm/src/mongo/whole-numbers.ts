import type { Document } from "mongodb";

/** The largest 64-bit integer: some nine million dollars in trillionths. */
const LARGEST = 2n ** 63n - 1n;

/** A whole number as the driver reads it: a number, or a class of its own if a number would be rounded. */
export type Whole = number | string | { toString(): string };

/** A 64-bit integer, made by the server: no class of any copy of BSON is needed. */
export function long(value: bigint): Document {
  return { $toLong: String(value < LARGEST ? value : LARGEST) };
}

/** A whole number. A sum beyond 64 bits has been rounded by the server. */
export function readWhole(value: Whole): bigint {
  const text = String(value);
  return BigInt(/^-?\d+$/.test(text) ? text : Math.round(Number(text)));
}
