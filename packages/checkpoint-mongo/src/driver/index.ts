export { findBinaryClass, type BinaryClass } from "./binary-class.ts";
export { makeIndexes } from "./make-indexes.ts";
export { requireClient, type MongoClientLike } from "./mongo-client.ts";
export { OncePerClient } from "./once-per-client.ts";
export { BSON_OPTIONS, DURABLE, openCollection, openDatabase } from "./open-database.ts";
export { PerClient } from "./per-client.ts";
export { isDuplicateKeyError, readErrorCode } from "./server-errors.ts";
