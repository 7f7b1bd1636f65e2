import { isDuplicateKeyError, readErrorCode } from "./server-errors.ts";

/** Which write of a bulk write the server refused, and why. */
export interface RefusedWrite {
  readonly index: number;
  /** Whether another document is in its place. */
  readonly isConflict: boolean;
  /** The positions of the writes before it that inserted a document. */
  readonly inserted: ReadonlySet<number>;
}

/** What of a bulk write's error this package reads; the class may be of another copy of the driver. */
interface BulkError {
  readonly writeErrors?: { readonly index: number } | readonly { readonly index: number }[];
  readonly result?: {
    readonly upsertedIds?: Readonly<Record<number, unknown>>;
    getWriteConcernError?(): unknown;
  };
  readonly errorResponse?: unknown;
  hasErrorLabel?(label: string): boolean;
}

/**
 * The write that ended an ordered bulk write. Undefined if the whole command failed, or if what was
 * carried out of it may not be durable.
 */
export function readRefusedWrite(error: unknown): RefusedWrite | undefined {
  const { writeErrors, result } = error as BulkError;
  const [first] = [writeErrors ?? []].flat();
  if (first === undefined || result?.getWriteConcernError?.() !== undefined) return undefined;
  return {
    index: first.index,
    isConflict: isConflict(first),
    inserted: readInserted(result ?? {}),
  };
}

/** Whether an upsert lost to another one of the same document or place. */
export function isConflict(error: unknown): boolean {
  return isDuplicateKeyError(error) || readErrorCode(error) === IMMUTABLE_FIELD;
}

/** A compatible server found the winner's document and tried to change its `_id`. */
const IMMUTABLE_FIELD = 66;

/** The positions of the writes of a bulk write that inserted a document. */
export function readInserted({
  upsertedIds = {},
}: {
  readonly upsertedIds?: Readonly<Record<number, unknown>>;
}): ReadonlySet<number> {
  return new Set(Object.keys(upsertedIds).map(Number));
}

/**
 * Whether a command failed for what it held: the server turned down all of it, or the driver could
 * not write it. Anything else, such as a lost connection, says nothing about what it held.
 */
export function isAboutContent(error: unknown): boolean {
  const bulkError = error as BulkError;
  if (bulkError.hasErrorLabel?.("RetryableWriteError") === true) return false;
  if (readErrorCode(error) !== undefined) return true;
  // The driver wraps what befell a bulk write in an error of the bulk write.
  const cause = bulkError.errorResponse instanceof Error ? bulkError.errorResponse : error;
  const { name = "" } = cause as { readonly name?: string };
  return name === "MongoInvalidArgumentError" || !name.startsWith("Mongo");
}
