import type { SaverContext } from "../context/context.ts";
import type {
  CheckpointDocument,
  SegmentDocument,
  ThreadDocument,
  ThreadPart,
} from "../documents/documents.ts";
import { STORED_NAME } from "../documents/sealed-bytes.ts";
import { hashSegmentPlace } from "../integrity/hashes.ts";
import { listSegments } from "../documents/manifest.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import { bytesToHex, toBytes } from "../driver/binary.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { asMissing } from "../errors/corruption.ts";
import { ThreadNotFoundError } from "../errors/thread-not-found-error.ts";
import { listWriteSegments } from "../read/read-writes.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { assertRecord } from "../store/assert-record.ts";
import { assertHere } from "../store/away-thread.ts";
import { scanSegments, scanWrites } from "../store/scan-thread.ts";
import { findRecord, isAlive, isOfLife } from "../store/thread-record.ts";
import { LineChain } from "./archive-lines.ts";
import type { DocumentCounts, ThreadPartDocument } from "./arrive.ts";
import { LateChildren } from "../upkeep/late-children.ts";
import { cutOff, isCutOff } from "./rebind.ts";
import { scanInOrder } from "./scan-in-order.ts";
import { toStoredJson } from "./stored-json.ts";

/** What the first line of an archive says its format is. */
export const FORMAT = "threadkeep-thread";

/** The version of the format. A reader refuses a later one. */
export const FORMAT_VERSION = 1;

/** The first line of an archive. */
export interface ArchiveHeader {
  readonly format: typeof FORMAT;
  readonly version: number;
  readonly thread_id: string;
  readonly exported_at: Date;
  /** What the thread's record holds that is not of one place. */
  readonly record: Pick<
    ThreadDocument,
    "created_at" | "metadata" | "fields" | "retention" | "rollbacks"
  >;
}

/** The last line of an archive. */
export interface ArchiveEnd extends DocumentCounts {
  /** The key that confirms all lines, and its hash of them; without a key, a plain hash. */
  readonly seal: { readonly key_name?: string; readonly hash: string };
}

/**
 * Finds the record of a thread that is here.
 *
 * @throws ThreadNotFoundError if the thread is not there
 * @throws ThreadArchivedError if it is in the archive store
 */
export async function requireThread(
  { store }: Pick<SaverContext, "store">,
  threadId: string,
): Promise<ThreadDocument> {
  const record = await findRecord(store, threadId);
  if (record !== undefined) {
    assertRecord(record, threadId);
    assertHere(record);
    if (isAlive(record, await store.askTime())) return record;
  }
  throw new ThreadNotFoundError(threadId, "Only what is stored can be exported.");
}

/**
 * The documents of a thread. Checkpoints come first: whatever they refer to was there before them, so it is read
 * after them.
 *
 * @throws CorruptCheckpointError if a document is not as it was written, or what it refers to is missing
 */
export async function* readDocuments(
  context: Pick<SaverContext, "store" | "hasher">,
  record: ThreadDocument,
): AsyncGenerator<ThreadPartDocument> {
  const { store, hasher } = context;
  const { thread_id: threadId } = record;
  const isInForce = (document: ThreadPart): boolean => isOfLife(document, record);
  const ids = new Set<string>();
  const wanted = new Map<string, string>();
  const lateChildren = new LateChildren(context, record);
  for await (const part of scanInOrder(store, threadId)) {
    if (!isInForce(part.document)) continue;
    const checkpoint = readRecord({ ...part.document, kind: "checkpoint" }, hasher);
    const { checkpointNs, checkpointId } = checkpoint.address;
    ids.add(formatPlace(checkpointNs, checkpointId));
    for (const id of listSegments(checkpoint.manifest)) {
      wanted.set(parseSegmentId(id).root, checkpointId);
    }
    const { parentCheckpointId, parentHash } = checkpoint;
    const hasParent = parentCheckpointId !== undefined && parentHash !== undefined;
    const isThere = hasParent && ids.has(formatPlace(checkpointNs, parentCheckpointId));
    if (!hasParent || isThere || isCutOff(context, part.document, checkpoint)) {
      yield part;
    } else if (await lateChildren.has(checkpoint)) {
      yield cutOff(context, part, checkpoint);
    } else {
      throw missing(part.document, "checkpoint", parentCheckpointId);
    }
  }
  for await (const document of scanWrites(store, threadId)) {
    if (!isInForce(document)) continue;
    for (const id of listWriteSegments([document])) {
      wanted.set(parseSegmentId(id).root, document.checkpoint_id);
    }
    yield { kind: "writes", document };
  }
  for await (const document of scanSegments(store, threadId)) {
    if (!isInForce(document)) continue;
    const root = bytesToHex(document.segment);
    // One that nothing refers to stays behind.
    if (document.part === 0 ? !wanted.has(root) : !ids.has(root)) continue;
    // Later parts go with the first.
    wanted.delete(root);
    ids.add(root);
    yield { kind: "segment", document: toPlainPlace(document) };
  }
  for (const [root, checkpointId] of wanted) {
    throw missing({ thread_id: threadId, checkpoint_id: checkpointId }, "segment", root);
  }
}

/** A segment whose name is encrypted lies where that says. In an archive it has the id that its name gives. */
function toPlainPlace(document: SegmentDocument): SegmentDocument {
  const { [STORED_NAME]: stored, ...plain } = document;
  if (stored === undefined) return document;
  const { _id, thread_id: threadId, segment, part } = plain;
  const own = hashSegmentPlace(threadId, bytesToHex(stored), part);
  // One that lies elsewhere is damaged, and stays so.
  if (Buffer.compare(own, toBytes(_id)) !== 0) return document;
  return { ...plain, _id: hashSegmentPlace(threadId, bytesToHex(segment), part) };
}

/** Counts what an archive holds so far. */
export type MutableCounts = { -readonly [Kind in keyof DocumentCounts]: DocumentCounts[Kind] };

/** Counts a document. A segment is counted by its first part; what rollbacks have discarded is not. */
export function countDocument(counts: MutableCounts, { kind, document }: ThreadPartDocument): void {
  if (kind === "checkpoint") counts.checkpoints += 1;
  else if (kind === "writes") counts.writes += 1;
  else if (kind === "segment") counts.segments += Number(document.part === 0);
}

/** The lines of an archive. */
export async function* writeLines(
  context: Pick<SaverContext, "store" | "hasher">,
  record: ThreadDocument,
): AsyncGenerator<string, DocumentCounts> {
  const { hasher, store } = context;
  const { thread_id, created_at, metadata, fields, retention, rollbacks } = record;
  const chain = new LineChain();
  const header: ArchiveHeader = {
    format: FORMAT,
    version: FORMAT_VERSION,
    thread_id,
    exported_at: new Date(store.estimateTime()),
    record: {
      ...(created_at !== undefined && { created_at }),
      ...(metadata !== undefined && { metadata }),
      ...(fields !== undefined && { fields }),
      ...(retention !== undefined && { retention }),
      ...(rollbacks !== undefined && { rollbacks }),
    },
  };
  yield chain.write("archive", toStoredJson(header));
  const counts = { checkpoints: 0, writes: 0, segments: 0 };
  for await (const part of readDocuments(context, record)) {
    countDocument(counts, part);
    yield chain.write(part.kind, toStoredJson(part.document));
  }
  const { keyName } = hasher;
  const sealed = sealOf(chain.hash, counts);
  const hash = Buffer.from(hasher.hashArchive(thread_id, sealed, keyName)).toString("hex");
  const end: ArchiveEnd = {
    ...counts,
    seal: { ...(keyName !== undefined && { key_name: keyName }), hash },
  };
  yield chain.write("end", toStoredJson(end));
  return counts;
}

/** What the last line confirms. */
export function sealOf(lines: string, { checkpoints, writes, segments }: DocumentCounts): string {
  return JSON.stringify([lines, checkpoints, writes, segments]);
}

function missing(
  {
    thread_id: threadId,
    checkpoint_id: checkpointId,
  }: Pick<CheckpointDocument, "thread_id" | "checkpoint_id">,
  document: "checkpoint" | "segment",
  which: string,
): CorruptCheckpointError {
  return new CorruptCheckpointError(
    { threadId, checkpointId },
    { document, which, ...asMissing() },
    { advice: "If the thread was pruned or deleted meanwhile, export it again." },
  );
}

function formatPlace(checkpointNs: string, checkpointId: string): string {
  return JSON.stringify([checkpointNs, checkpointId]);
}
