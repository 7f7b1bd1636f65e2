import type { ThreadEncryption } from "../encryption/thread-encryption.ts";
import { isPlainObject } from "../codec/values/plain-data.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeValue } from "../options/describe-value.ts";
import { writeField, type MetadataValue } from "../documents/search-field.ts";

/** A thread's metadata, by key. */
export type ThreadMetadata = Readonly<Record<string, MetadataValue>>;

/** The longest metadata of a thread, as JSON. It is read with every page of a search. */
const MAX_BYTES = 16_384;

/**
 * Checks metadata that was given. Entries that are undefined do not count.
 *
 * @throws InvalidOptionsError if it is not what JSON has
 */
export function checkMetadata(owner: string, metadata: unknown): ThreadMetadata {
  if (!isPlainObject(metadata)) {
    throw new InvalidOptionsError(
      `Invalid option metadata of ${owner}: expected a plain object, got ${describeValue(metadata)}.`,
    );
  }
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => {
        checkText(owner, key, key);
        return [key, copyValue(owner, key, value)];
      }),
  );
}

/**
 * Writes metadata as JSON.
 *
 * @throws InvalidOptionsError if it is too long
 */
export function writeThreadMetadata(owner: string, metadata: ThreadMetadata): string {
  const text = JSON.stringify(metadata);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_BYTES) return text;
  throw new InvalidOptionsError(
    `Invalid option metadata of ${owner}: expected at most ${MAX_BYTES} bytes of JSON, got ${bytes}.`,
  );
}

/** Reads metadata from JSON. Damaged text is empty metadata: nothing else depends on it. */
export function readThreadMetadata(text: string | undefined): ThreadMetadata {
  if (text === undefined) return {};
  try {
    const metadata: unknown = JSON.parse(text);
    return isPlainObject(metadata) ? (metadata as ThreadMetadata) : {};
  } catch {
    return {};
  }
}

/** What searches find of metadata: with encryption tokens, and in clear text only what stays so. */
export function listFields(
  metadata: ThreadMetadata,
  encryption: Pick<ThreadEncryption, "searchable" | "secrets"> | undefined,
): string[] {
  return Object.entries(metadata).flatMap(([key, value]) => {
    const field = writeField(key, value);
    if (encryption === undefined) return [field];
    const token = encryption.secrets.toToken(field);
    return encryption.searchable.has(key) ? [field, token] : [token];
  });
}

function copyValue(owner: string, path: string, value: unknown): MetadataValue {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "string") return checkText(owner, path, value);
  // BSON and JSON have no other zero.
  if (typeof value === "number" && Number.isFinite(value)) return value === 0 ? 0 : value;
  if (Array.isArray(value)) {
    return value.map((item, index) => copyValue(owner, `${path}[${index}]`, item));
  }
  if (isPlainObject(value)) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => [
          checkText(owner, path, key),
          copyValue(owner, `${path}.${key}`, entry),
        ]),
    );
  }
  throw new InvalidOptionsError(
    `Invalid option metadata.${path} of ${owner}: expected a value that JSON has, got ` +
      `${describeValue(value)}.`,
  );
}

function checkText(owner: string, path: string, text: string): string {
  if (text.isWellFormed()) return text;
  throw new InvalidOptionsError(
    `Invalid option metadata.${path.toWellFormed()} of ${owner}: expected a string of whole Unicode characters, ` +
      "got one with half a surrogate pair.",
  );
}
