import { EncryptionKeyError } from "../errors/encryption-key-error.ts";
import { isSealed, Unopened } from "../documents/sealed-bytes.ts";
import { type StoredBytes, isBinary, readSubtype, toBytes } from "../driver/binary.ts";
import { type PackedBytes, toPackedBytes } from "../documents/packed-bytes.ts";

/**
 * A field of a stored document is not as this package writes it. Damage may have put anything in its
 * place, or nothing.
 */
export class FieldFault extends Error {
  readonly field: string;
  readonly expected: string;
  readonly found: string;

  constructor(field: string, expected: string, found: unknown) {
    const described = describeValue(found);
    super(`${field}: expected ${expected}, found ${described}`);
    this.field = field;
    this.expected = expected;
    this.found = described;
  }
}

/**
 * Checks that the keys are there for a value.
 *
 * @throws PlaintextRefusedError if it lies in clear text where it must not
 * @throws EncryptionKeyError if it is encrypted, and the key for it is not there
 */
export function requireKeys(value: unknown, field: string): void {
  if (value instanceof Unopened && value.error !== undefined) throw value.error;
  if (!isSealed(value)) return;
  throw new EncryptionKeyError(`the field ${field} of a document`, {
    fault: "no-keys",
    keyId: undefined,
    knownKeyIds: [],
  });
}

/** Text. */
export function readText(field: string, value: unknown): string {
  return typeof value === "string" ? value : refuse(field, "a text", value);
}

/** Text, or nothing. */
export function readOptionalText(field: string, value: unknown): string | undefined {
  return value === undefined ? undefined : readText(field, value);
}

/** A whole number, at least `min`. */
export function readWhole(field: string, value: unknown, min: number): number {
  return Number.isSafeInteger(value) && (value as number) >= min
    ? (value as number)
    : refuse(field, `a whole number from ${min}`, value);
}

/** A date, or nothing. */
export function readOptionalDate(field: string, value: unknown): Date | undefined {
  if (value === undefined) return undefined;
  return value instanceof Date && !Number.isNaN(value.getTime())
    ? value
    : refuse(field, "a date", value);
}

/** Bytes that are never compressed: of BSON's generic subtype, which counts where they are compared. */
export function readPlainBytes(field: string, value: unknown): Uint8Array {
  if (isBinary(value) && readSubtype(value) === 0) return toBytes(value);
  return refuse(field, "bytes of subtype 0", value);
}

/** Bytes that may be compressed. */
export function readPackedBytes(field: string, value: unknown): PackedBytes {
  return isBinary(value) && !isSealed(value) ? toPackedBytes(value) : refuse(field, "bytes", value);
}

/** That a field holds just this. */
export function requireSame(field: string, value: unknown, expected: string): void {
  if (value !== expected) refuse(field, JSON.stringify(expected), value);
}

/** That a field holds just these bytes, of BSON's generic subtype. */
export function requireBytes(field: string, value: unknown, expected: Uint8Array): void {
  const bytes = readPlainBytes(field, value);
  if (Buffer.compare(bytes, expected) === 0) return;
  refuse(field, `the bytes ${toHex(expected)}`, value);
}

/** Refuses what a field holds. */
export function refuse(field: string, expected: string, found: unknown): never {
  requireKeys(found, field);
  throw new FieldFault(field, expected, found);
}

/** Says what a value is, but of text and objects not what they hold: that may be anybody's data. */
function describeValue(value: unknown): string {
  if (value instanceof Unopened) return "what was not encrypted for this place";
  if (value === undefined) return "nothing";
  if (value === null || typeof value === "number" || typeof value === "boolean") {
    return String(value);
  }
  if (typeof value === "string")
    return value.length <= MAX_SHOWN ? JSON.stringify(value) : "a text";
  if (Array.isArray(value)) return "an array";
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : value.toISOString();
  if (isBinary(value)) return describeBytes(value);
  return `a value of type ${typeof value}`;
}

/** Ids and kinds are that short. */
const MAX_SHOWN = 100;

function describeBytes(binary: StoredBytes): string {
  const bytes = toBytes(binary);
  const subtype = readSubtype(binary);
  const shown = bytes.byteLength <= MAX_SHOWN / 2 ? ` ${toHex(bytes)}` : "";
  return `${bytes.byteLength} bytes${shown}${subtype === 0 ? "" : ` of subtype ${subtype}`}`;
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
