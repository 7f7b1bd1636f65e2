import "./check-node.ts";
export type { ArchivedObject, ArchiveStore } from "./archive-store/archive-store.ts";
export { FileArchiveStore } from "./archive-store/file-archive-store.ts";
export type { ArchiveCompression } from "./archive/compression.ts";
export {
  archiveThreads,
  restoreThread,
  type ArchiveOptions,
  type ArchiveResult,
  type ArchivingProgress,
  type SkippedThread,
  type SkipReason,
} from "./transfer/archive-threads.ts";
export {
  exportThread,
  streamThread,
  type ArchiveProgress,
  type ExportOptions,
  type ExportResult,
} from "./transfer/export-thread.ts";
export { importThread, type ImportOptions, type ImportResult } from "./transfer/import-thread.ts";
