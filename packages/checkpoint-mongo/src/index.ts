import "./check-node.ts";
export { CheckpointTooLargeError, type ChannelSize } from "./errors/checkpoint-too-large-error.ts";
export { ClassNotAllowedError } from "./errors/class-not-allowed-error.ts";
export { ConcurrentUpdateError, type ConcurrentUpdate } from "./errors/concurrent-update-error.ts";
export { CorruptCheckpointError, type DamagedAddress } from "./errors/corrupt-checkpoint-error.ts";
export type {
  Corruption,
  DamagedDocument,
  DescribedFault,
  Fault,
  MissingFault,
  NamedDocument,
  NotDecodableFault,
  TooLargeFault,
  UnknownFormatFault,
  WholeDocumentFault,
  WrongFieldFault,
  WrongHashFault,
} from "./errors/corruption.ts";
export { CorruptItemError } from "./errors/corrupt-item-error.ts";
export {
  EncryptionKeyError,
  type EncryptionKeyDetails,
  type EncryptionKeyFault,
} from "./errors/encryption-key-error.ts";
export { PlaintextRefusedError } from "./errors/plaintext-refused-error.ts";
export { IntegrityKeyError, type IntegrityKeyFault } from "./errors/integrity-key-error.ts";
export { InvalidAddressError } from "./errors/invalid-address-error.ts";
export { InvalidArchiveError } from "./errors/invalid-archive-error.ts";
export { InvalidOptionsError } from "./errors/invalid-options-error.ts";
export { MigrationMismatchError } from "./errors/migration-mismatch-error.ts";
export { ItemTooLargeError } from "./errors/item-too-large-error.ts";
export { LeaseLostError } from "./errors/lease-lost-error.ts";
export { SearchTooWideError } from "./errors/search-too-wide-error.ts";
export { SetupError } from "./errors/setup-error.ts";
export { StorageRefusedError } from "./errors/storage-refused-error.ts";
export {
  StorageUnavailableError,
  type UnavailableStorage,
} from "./errors/storage-unavailable-error.ts";
export { ThreadArchivedError } from "./errors/thread-archived-error.ts";
export { ThreadLeasedError } from "./errors/thread-leased-error.ts";
export { ThreadNotFoundError } from "./errors/thread-not-found-error.ts";
export {
  ThreadkeepError,
  type ThreadkeepErrorCode,
  type ThreadkeepErrorOptions,
} from "./errors/threadkeep-error.ts";
export { UnserializableStateError } from "./errors/unserializable-state-error.ts";
export { UnsupportedFormatError } from "./errors/unsupported-format-error.ts";
export { type WriteConflict, WriteConflictError } from "./errors/write-conflict-error.ts";
export type { RekeyFailure, RekeyOptions, RekeyProgress, RekeyResult } from "./encryption/rekey.ts";
export type {
  DataKeyContext,
  EncryptionKey,
  EncryptionOptions,
  KeyProvider,
} from "./keys/encryption-options.ts";
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
export type { LeaseOptions } from "./leases/lease-options.ts";
export type { ThreadLease } from "./leases/thread-lease.ts";
export type { ChannelValues, ThreadChange, UpdateOptions } from "./leases/update-thread.ts";
export { withExclusiveThreads, type LeasingSaver } from "./leases/with-exclusive-threads.ts";
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
export type { MongoClientLike } from "./options/client-option.ts";
export type { RetrySettings } from "./options/retry-options.ts";
export type { ArchivedObject, ArchiveStore } from "./archive-store/archive-store.ts";
export { MongoDBSaver } from "./saver/mongodb-saver.ts";
export type { ObservedEvent, SaverListener } from "./context/listeners.ts";
export type { CheckpointSizeStats } from "./health/checkpoint-sizes.ts";
export type {
  CheckpointGrowthEvent,
  ThreadSizeEvent,
  OperationEvent,
  RestoreFailedEvent,
  UnsavedCall,
} from "./health/events.ts";
export type { LatencyStats } from "./health/latencies.ts";
export type { SaverStats } from "./health/saver-stats.ts";
export {
  installShutdownHooks,
  type DrainableSaver,
  type ShutdownHooks,
  type ShutdownOptions,
  type ShutdownReport,
} from "./health/shutdown-hooks.ts";
export type {
  CheckpointSizeEvent,
  FallBackEvent,
  FlushFailedEvent,
  KeepLastFailedEvent,
  ReportEvent,
  SaverEvent,
} from "./context/events.ts";
export type {
  BatchSettings,
  CheckpointSizeLimits,
  ThreadSizeLimits,
  ConcurrencyPolicy,
  CorruptionPolicy,
  MongoDBSaverOptions,
  MongoDBSaverSettings,
  PersistPolicy,
} from "./context/options.ts";
export { CheckpointNotFoundError } from "./errors/checkpoint-not-found-error.ts";
export { LabelNotFoundError } from "./errors/label-not-found-error.ts";
export { LabelTakenError } from "./errors/label-taken-error.ts";
export { NothingToUndoError } from "./errors/nothing-to-undo-error.ts";
export { ThreadDeletedError } from "./errors/thread-deleted-error.ts";
export { ThreadNotEmptyError } from "./errors/thread-not-empty-error.ts";
export type { ItemChanges } from "./history/compare-items.ts";
export type { ChannelDifference, CheckpointDiff } from "./history/diff-checkpoints.ts";
export type { CheckpointName } from "./history/find-target.ts";
export type { ForkOptions, RollbackOptions } from "./history/history-options.ts";
export type { Label, LabelFilter, LabelType, NewLabel } from "./history/label.ts";
export type { RollbackResult } from "./history/roll-back.ts";
export type { CopyThreadResult } from "./retention/copy-thread.ts";
export { PruneRefusedError } from "./errors/prune-refused-error.ts";
export type { DeleteForRunsResult } from "./retention/delete-for-runs.ts";
export type { PruneOptions, PruneSafety } from "./retention/prune-options.ts";
export type { PruneResult } from "./retention/prune-threads.ts";
export type { ThreadRetention } from "./retention/set-retention.ts";
export type { Damage } from "./upkeep/damage-list.ts";
export type { ThreadReport } from "./upkeep/verify-thread.ts";
export type { MetadataValue } from "./documents/search-field.ts";
export type { ThreadMetadata } from "./thread-index/metadata.ts";
export type {
  MetadataRange,
  ThreadFilter,
  ThreadSearch,
  ThreadSort,
} from "./thread-index/search-options.ts";
export type {
  PendingInterrupt,
  ThreadDetails,
  ThreadLabel,
  ThreadPage,
  ThreadStatus,
  ThreadSummary,
  ThreadUpdate,
} from "./thread-index/thread.ts";
export { Threads } from "./thread-index/threads.ts";
export {
  createThreadSaver,
  type EmbeddedThread,
  type EmbeddedThreads,
  type EmbeddedThreadSearch,
  type ThreadKeeper,
} from "./thread-index/thread-saver.ts";
