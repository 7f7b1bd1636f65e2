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
export type { SweepResult } from "./maintenance/sweep-segments.ts";
export type { CacheStats } from "./saver/cache.ts";
export type { MongoClientLike } from "./driver/index.ts";
export { MongoDBSaver } from "./saver/mongodb-saver.ts";
export type { FallBackEvent, ReportEvent, SaverEvent } from "./saver/events.ts";
export type {
  CorruptionPolicy,
  MongoDBSaverOptions,
  MongoDBSaverSettings,
} from "./saver/options.ts";
export type { Damage, ThreadReport } from "./saver/verify-thread.ts";
