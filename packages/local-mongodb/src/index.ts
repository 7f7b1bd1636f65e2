export {
  NoMongoDBError,
  startMongoDB,
  type FailedWay,
  type LocalMongoDB,
  type StartOptions,
} from "./start-mongodb.ts";
export { temporaryDatabase, type TemporaryDatabase } from "./temporary-database.ts";
