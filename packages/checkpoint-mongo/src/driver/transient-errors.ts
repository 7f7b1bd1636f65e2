import { readErrorCode } from "./server-errors.ts";

/**
 * Error codes of servers for conditions that pass. From the specifications that all drivers follow, retryable
 * reads and retryable writes (https://github.com/mongodb/specifications), except where noted.
 */
const TRANSIENT_CODES: ReadonlySet<number> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  89, // NetworkTimeout
  91, // ShutdownInProgress
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  9_001, // SocketException
  10_107, // NotWritablePrimary
  11_600, // InterruptedAtShutdown
  11_602, // InterruptedDueToReplStateChange
  13_435, // NotPrimaryNoSecondaryOk
  13_436, // NotPrimaryOrSecondary
  // Not in the specifications: drivers leave these to the application, because a repeated write might be
  // carried out twice. Every write of this package may be.
  24, // LockTimeout
  43, // CursorNotFound: the server was restarted, or has waited for more than ten minutes
  46, // LockBusy
  50, // MaxTimeMSExpired, of a client with a time limit of its own
  63, // StaleShardVersion
  64, // WriteConcernTimeout: carried out, but not yet by a majority
  112, // WriteConflict
  133, // FailedToSatisfyReadPreference
  150, // StaleEpoch
  175, // QueryPlanKilled
  202, // NetworkInterfaceExceededTimeLimit
  225, // TransactionTooOld: the server has seen a later attempt of this command
  317, // ConnectionPoolExpired
  384, // ConnectionError
  462, // IngressRequestRateLimitExceeded
  10_058, // LegacyNotPrimary
  13_388, // StaleConfig
  16_500, // TooManyRequests, of Cosmos DB
]);

/** Names of the driver's errors when it does not get through. Subclasses have their own names. */
const TRANSIENT_NAMES: ReadonlySet<string> = new Set([
  "MongoNetworkError",
  "MongoNetworkTimeoutError",
  "MongoServerSelectionError",
  "MongoPoolClearedError",
  "PoolClearedOnNetworkError",
  "MongoPoolClosedError",
  "MongoWaitQueueTimeoutError",
  "MongoOperationTimeoutError",
  "MongoServerClosedError",
  "MongoTopologyClosedError",
  "MongoStalePrimaryError",
  // For example "does not support retryable writes", from a server whose role has just changed.
  "MongoUnexpectedServerResponseError",
  "AttemptTimeoutError",
]);

/** Of those, the names of errors that say nothing but that the time is over. */
const TIMEOUT_NAMES: ReadonlySet<string> = new Set([
  "MongoNetworkTimeoutError",
  "MongoOperationTimeoutError",
  "AttemptTimeoutError",
]);

const TRANSIENT_LABELS: readonly string[] = [
  "RetryableWriteError",
  "RetryableError",
  "SystemOverloadedError",
  "PoolRequestedRetry",
  "TransientTransactionError",
];

/** If a socket breaks while a large command is written, the driver passes on the error of Node.js. */
const SOCKET_CODES: ReadonlySet<unknown> = new Set([
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ERR_SOCKET_CLOSED",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_STREAM_WRITE_AFTER_END",
  "ETIMEDOUT",
]);

/** What this package reads of a driver's error. Its class may be of another copy of the driver. */
interface DriverError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly writeErrors?: unknown;
  readonly errorResponse?: unknown;
  readonly result?: { getWriteConcernError?(): unknown } | undefined;
  hasErrorLabel?(label: string): boolean;
}

/** Whether a failed command may succeed when it is repeated. */
export function isTransient(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { name, code, writeErrors, errorResponse, result } = error as DriverError;
  if (SOCKET_CODES.has(code)) return true;
  if (typeof name !== "string" || !(name.startsWith("Mongo") || TRANSIENT_NAMES.has(name))) {
    return false;
  }
  // If single writes were refused, only their codes count: the rest was carried out.
  const refused: unknown[] = [writeErrors ?? []].flat();
  if (refused.length > 0) return refused.every(hasTransientCode);
  return (
    TRANSIENT_NAMES.has(name) ||
    hasTransientCode(error) ||
    TRANSIENT_LABELS.some((label) => (error as DriverError).hasErrorLabel?.(label) === true) ||
    // The driver wraps the cause in an error of the bulk write.
    (errorResponse instanceof Error && isTransient(errorResponse)) ||
    hasTransientCode(result?.getWriteConcernError?.())
  );
}

/** Whether an error has the code of a condition that passes. */
function hasTransientCode(error: unknown): boolean {
  return TRANSIENT_CODES.has(readErrorCode(error) ?? Number.NaN);
}

/** Whether there was no answer in time, so that nobody knows how far the server has come. */
export function isTimeout(error: unknown): boolean {
  const name: unknown = (error as DriverError | null | undefined)?.name;
  return typeof name === "string" && TIMEOUT_NAMES.has(name);
}
