import { StorageRefusedError } from "../errors/storage-refused-error.ts";
import { isUnauthenticated, isUnauthorized, readErrorCode } from "./server-errors.ts";

const TOO_LARGE_ADVICE =
  "A document would be larger than the server takes (16 MB). Keep less in metadata, items, filters, keys " +
  "and ids.";

/** What to do when the server refuses a command, by error code. */
const ADVICE: ReadonlyMap<number, string> = new Map([
  [
    121, // DocumentValidationFailure
    "The collection has a validation rule that forbids a document of this package. Leave it out of the rule.",
  ],
  ...[
    10_334, // BSONObjectTooLarge
    17_419, // the document after an update
    17_420, // the document to insert
  ].map((code): [number, string] => [code, TOO_LARGE_ADVICE]),
  [
    14_031, // OutOfDiskSpace
    "The server's disk is full. Make room there, then repeat the call.",
  ],
]);

const UNAUTHORIZED_ADVICE =
  "Give the database user the privileges that the README lists under Database user.";

const UNAUTHENTICATED_ADVICE =
  "Check name and password of the database user, and the authSource of the connection string.";

const CLOSED_ADVICE =
  "The client has been closed: keep it open as long as something uses it, or connect it again.";

const CLOSED_NAMES: ReadonlySet<unknown> = new Set([
  "MongoNotConnectedError",
  "MongoClientClosedError",
  "MongoExpiredSessionError",
  "MongoTopologyClosedError",
]);

/**
 * Turns an error of the driver into a `StorageRefusedError` that says what to do. Other errors are returned
 * as they are.
 *
 * @param operation what the caller did, for example `putWrites of MongoDBSaver`
 */
export function explainRefusal(error: unknown, operation: string): unknown {
  const { name } = (error ?? {}) as { readonly name?: unknown };
  if (isTooLargeForDriver(error))
    return new StorageRefusedError(operation, error, TOO_LARGE_ADVICE);
  if (typeof name !== "string" || !/^(?:Mongo|BSON|PoolCleared)/.test(name)) return error;
  return new StorageRefusedError(operation, error, advise(error, name));
}

/** The driver writes beyond the end of a buffer that is as large as a document may be. */
function isTooLargeForDriver(error: unknown): boolean {
  return error instanceof RangeError && (error as { code?: unknown }).code === "ERR_OUT_OF_RANGE";
}

function advise(error: unknown, name: string): string {
  if (isUnauthenticated(error)) return UNAUTHENTICATED_ADVICE;
  if (isUnauthorized(error)) return UNAUTHORIZED_ADVICE;
  if (CLOSED_NAMES.has(name)) return CLOSED_ADVICE;
  return ADVICE.get(readErrorCode(error) ?? -1) ?? "The cause says more.";
}
