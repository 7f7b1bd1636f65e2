export {
  bytesToHex,
  hexToBytes,
  isBinary,
  toBytes,
  toPackedBinary,
  toPackedBytes,
  type PackedBytes,
} from "./binary.ts";
export {
  FieldFault,
  readOptionalDate,
  readOptionalText,
  readPackedBytes,
  readPlainBytes,
  readText,
  readWhole,
  refuse,
  requireBytes,
  requireSame,
} from "./document-fields.ts";
export { findSegmentFault, findSegmentFlaw } from "./check-segment.ts";
export { checkLayout } from "./check-layout.ts";
export { condemnSegments, pardonSegments, removeCondemned } from "./condemn-segments.ts";
export { openCollections, type Collections } from "./collections.ts";
export { createIndexes, ensureIndexes } from "./ensure-indexes.ts";
export {
  findCheckpoint,
  findCheckpointOnly,
  findHeads,
  type FoundCheckpoint,
  type PlacedCheckpoint,
} from "./find-checkpoint.ts";
export { GroupCommit, type Submission } from "./group-commit.ts";
export { findSegments, joinParts, type StoredSegment } from "./find-segments.ts";
export { detectSharding } from "./detect-sharding.ts";
export { findLastInOrder, isThreadAlive } from "./find-thread.ts";
export { findLinks, type CheckpointLink } from "./find-links.ts";
export { findByIds } from "./find-by-ids.ts";
export { checkRecord, findRecords } from "./mend-record.ts";
export { readThreadRecord, type ThreadRecord } from "./thread-record.ts";
export { findWrites, findWritesBetween, groupByPointer, hasWrite } from "./find-writes.ts";
export { findAncestors, listCheckpoints, PAGE_SIZE } from "./list-checkpoints.ts";
export {
  replaceCheckpoint,
  saveCheckpoint,
  type CheckpointToStore,
  type ReplacedCheckpoint,
} from "./save-checkpoint.ts";
export {
  countParts,
  MAX_PART_BYTES,
  removeBaseless,
  saveSegments,
  type SegmentToStore,
} from "./save-segments.ts";
export { saveWrites, type WriteSetToStore } from "./save-writes.ts";
export {
  findPointingInto,
  findStrays,
  scanCheckpoints,
  scanReferences,
  scanSegmentHeads,
  scanSegments,
  scanThreadIds,
  scanWrites,
  type SegmentHead,
} from "./scan-thread.ts";
export {
  changeExpiry,
  deleteThread,
  isSameState,
  openThread,
  type SubmitOptions,
  type ThreadState,
} from "./thread-lifecycle.ts";
