export { NoMongoDBError, type FailedWay } from "./no-mongodb-error.ts";
export { startMongoDB, type LocalMongoDB, type StartOptions } from "./start-mongodb.ts";
export { temporaryDatabase, type TemporaryDatabase } from "./temporary-database.ts";
