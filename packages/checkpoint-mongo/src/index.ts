export {
  CorruptCheckpointError,
  InvalidAddressError,
  InvalidOptionsError,
  SetupError,
  ThreadkeepError,
  UnserializableStateError,
  WriteConflictError,
  type Corruption,
  type ThreadkeepErrorCode,
} from "./errors/index.ts";
export type { CacheStats } from "./saver/cache.ts";
export { MongoDBSaver } from "./saver/mongodb-saver.ts";
export type { MongoDBSaverOptions, MongoDBSaverSettings } from "./saver/options.ts";
