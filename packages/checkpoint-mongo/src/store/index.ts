export {
  bytesToHex,
  hexToBytes,
  isBinary,
  toBytes,
  toPackedBinary,
  toPackedBytes,
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
export { deleteThread, finishDeletion, removeEarlierLives } from "./end-life.ts";
export { openCollections, type Collections } from "./collections.ts";
export { ensureThreadIndexes } from "./ensure-indexes.ts";
export {
  findCheckpoint,
  findCheckpointOfLife,
  findCheckpointOnly,
  findHeads,
  type FoundCheckpoint,
  type PlacedCheckpoint,
} from "./find-checkpoint.ts";
export { GroupCommit, type Submission } from "./group-commit.ts";
export { findSegments, joinParts } from "./find-segments.ts";
export { detectSharding } from "./detect-sharding.ts";
export { findLastInOrder } from "./find-last.ts";
export { markSetsLater, toMark } from "./mark-sets.ts";
export { findLinks, type CheckpointLink } from "./find-links.ts";
export { findByIds } from "./find-by-ids.ts";
export { checkRecord, findRecordsOf } from "./mend-record.ts";
export { assertHides, assertRecord, isSound } from "./assert-record.ts";
export {
  findWrites,
  findWritesBetween,
  findWritesWithin,
  groupByPointer,
  hasWrite,
} from "./find-writes.ts";
export { findAncestors, listCheckpoints, PAGE_SIZE, type ListQuery } from "./list-checkpoints.ts";
export {
  removeCheckpoint,
  replaceCheckpoint,
  saveCheckpoint,
  type CheckpointToStore,
  type ReplacedCheckpoint,
} from "./save-checkpoint.ts";
export { countParts, MAX_PART_BYTES, removeBaseless, saveSegments } from "./save-segments.ts";
export { measureDocument } from "./measure-document.ts";
export { removeWriteSets, saveWrites, type WriteSetToStore } from "./save-writes.ts";
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
export { changeExpiry, openThread, spreadExpiry, type ChooseExpiry } from "./thread-lifecycle.ts";
export {
  findRecord,
  findRecords,
  hasExpired,
  isExtending,
  isOfLife,
  isOver,
  isSameState,
  readState,
  type ThreadState,
} from "./thread-record.ts";
export type { SubmitOptions } from "./write-fenced.ts";
