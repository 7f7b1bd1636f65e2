import "./check-node.ts";
export {
  CheckpointTooLargeError,
  ClassNotAllowedError,
  CorruptCheckpointError,
  CorruptItemError,
  IntegrityKeyError,
  InvalidAddressError,
  InvalidOptionsError,
  SearchTooWideError,
  SetupError,
  StorageRefusedError,
  StorageUnavailableError,
  ThreadkeepError,
  UnserializableStateError,
  UnsupportedFormatError,
  WriteConflictError,
  type ChannelSize,
  type Corruption,
  type IntegrityKeyFault,
  type ThreadkeepErrorCode,
} from "./errors/index.ts";
export type { IntegrityKey, IntegrityOptions } from "./keys/integrity-options.ts";
export type { ExactSearchEvent, ReportStoreEvent, StoreEvent } from "./item-store/events.ts";
export {
  MongoDBStore,
  type PutOptions,
  type PutWithTtlOperation,
} from "./item-store/mongodb-store.ts";
export type {
  IndexConfig,
  MongoDBStoreParams,
  MongoDBStoreSettings,
  SimilarityFunction,
  TTLConfig,
} from "./item-store/options.ts";
export type { SweepResult } from "./upkeep/sweep-segments.ts";
export type {
  CacheEvent,
  CacheFailureEvent,
  RefusedEntryEvent,
  ReportCacheEvent,
  UnreadableEntryEvent,
} from "./node-cache/events.ts";
export { MongoDBCache } from "./node-cache/mongodb-cache.ts";
export type { MongoDBCacheOptions, MongoDBCacheSettings } from "./node-cache/options.ts";
export type { CacheStats } from "./memory/cache.ts";
export type { MongoClientLike } from "./driver/index.ts";
export { MongoDBSaver } from "./saver/mongodb-saver.ts";
export type {
  CheckpointSizeEvent,
  FallBackEvent,
  ReportEvent,
  SaverEvent,
} from "./context/events.ts";
export type {
  CheckpointSizeLimits,
  CorruptionPolicy,
  MongoDBSaverOptions,
  MongoDBSaverSettings,
  PersistPolicy,
} from "./context/options.ts";
export type { Damage } from "./upkeep/damage-list.ts";
export type { ThreadReport } from "./upkeep/verify-thread.ts";
