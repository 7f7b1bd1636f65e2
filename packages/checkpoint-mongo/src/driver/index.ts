export { findBinaryClass, type BinaryClass } from "./binary-class.ts";
export { isAboutContent, isConflict, readInserted, readRefusedWrite } from "./bulk-errors.ts";
export { ensureIndexes } from "./ensure-indexes.ts";
export { explainRefusal } from "./explain-refusal.ts";
export { listCollectionNames } from "./list-collection-names.ts";
export { OncePerClient } from "./once-per-client.ts";
export { DURABLE, openCollection, openDatabase } from "./open-database.ts";
export { PerClient } from "./per-client.ts";
export {
  chooseDelay,
  isAbandoned,
  limitTime,
  reconnect,
  RetryPolicy,
  Trial,
  type RetryLimits,
} from "./retry-policy.ts";
export { ServerClock, shareServerClock } from "./server-clock.ts";
export { isDuplicateKeyError, readErrorCode } from "./server-errors.ts";
export { isTransient } from "./transient-errors.ts";
export { WriteSession } from "./write-session.ts";
