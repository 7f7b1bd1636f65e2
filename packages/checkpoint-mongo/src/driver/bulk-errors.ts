import { isDuplicateKeyError, readErrorCode } from "./server-errors.ts";

/** Which write of a bulk write the server refused, and why. */
export interface RefusedWrite {
  readonly index: number;
  /** Whether another document is in its place. */
  readonly isConflict: boolean;
  /** The positions of the writes before it that inserted a document. */
  readonly inserted: ReadonlySet<number>;
}

/** What this package reads of the error of a bulk write. Its class may be of another copy of the driver. */
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
 * The write that ended an ordered bulk write. Undefined if the whole command failed, or if the writes before
 * it may not be durable.
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

/** Whether another upsert of the same document or place was faster. */
export function isConflict(error: unknown): boolean {
  return isDuplicateKeyError(error) || readErrorCode(error) === IMMUTABLE_FIELD;
}

/** Some compatible servers find the other document and try to change its `_id`. */
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
 * Whether a command failed because of its content: the server refused all of it, or the driver could not
 * serialize it. Other failures, such as a lost connection, say nothing about the content.
 */
export function isAboutContent(error: unknown): boolean {
  const bulkError = error as BulkError;
  if (bulkError.hasErrorLabel?.("RetryableWriteError") === true) return false;
  if (readErrorCode(error) !== undefined) return true;
  // The driver wraps the cause in an error of the bulk write.
  const cause = bulkError.errorResponse instanceof Error ? bulkError.errorResponse : error;
  const { name = "" } = cause as { readonly name?: string };
  return name === "MongoInvalidArgumentError" || !name.startsWith("Mongo");
}
