export { ensureIndexes } from "./ensure-indexes.ts";
export { explainRefusal } from "./explain-refusal.ts";
export { requireClient, type MongoClientLike } from "./mongo-client.ts";
export { OncePerClient } from "./once-per-client.ts";
export { DURABLE, openCollection, openDatabase } from "./open-database.ts";
export { PerClient } from "./per-client.ts";
export { RetryPolicy } from "./retry-policy.ts";
export { isDuplicateKeyError, readErrorCode } from "./server-errors.ts";
