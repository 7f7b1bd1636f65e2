import type { SegmentDocument } from "../documents/documents.ts";
import type { ContentHash } from "../documents/segment-id.ts";
import { bytesToHex, hexToBytes } from "../driver/binary.ts";
import { measureDocument } from "../driver/measure-document.ts";
import { hashSegmentPlace } from "../integrity/hashes.ts";
import type { ChainUpdate } from "./chain.ts";
import type { FencedThread } from "./fenced-thread.ts";

/** Segments read with one command. */
const BATCH_SIZE = 100;

/** Bytes written with one command, about; see `save-segments.ts`. */
const MAX_COMMAND_BYTES = 2 * 1_024 * 1_024;

/**
 * Copies segments of one thread into another, as they are stored: nothing is unpacked. Until something refers to
 * them, a sweep takes them for orphans.
 *
 * @returns false if the other thread has changed meanwhile
 */
export async function copySegments(
  fromThreadId: string,
  to: FencedThread,
  roots: readonly ContentHash[],
): Promise<boolean> {
  let updates: ChainUpdate[] = [];
  let bytes = 0;
  const flush = async (): Promise<boolean> => {
    if (updates.length === 0) return true;
    const outcome = await to.write(updates);
    updates = [];
    bytes = 0;
    return outcome.kind === "done";
  };
  for (let start = 0; start < roots.length; start += BATCH_SIZE) {
    const plain = roots.slice(start, start + BATCH_SIZE).map(hexToBytes);
    const batch = (await to.store.encryption?.listNames([fromThreadId], plain)) ?? plain;
    const documents = to.store.segments.find({
      thread_id: fromThreadId,
      kind: "segment",
      segment: { $in: [...batch] },
    });
    for await (const document of documents) {
      const size = measureDocument(document);
      if (bytes + size > MAX_COMMAND_BYTES && !(await flush())) return false;
      updates.push(copyPart(to, document));
      bytes += size;
    }
  }
  return flush();
}

/** What an earlier life of the thread has left in its place is replaced. */
function copyPart(to: FencedThread, document: SegmentDocument): ChainUpdate {
  const { segment, part, appends, data, more } = document;
  const { $set, $unset } = to.claim();
  return {
    filter: { thread_id: to.threadId, kind: "segment", segment, part },
    update: {
      $set: { ...$set, appends, data, ...(more && { more }) },
      $setOnInsert: { _id: hashSegmentPlace(to.threadId, bytesToHex(segment), part) },
      $unset: { ...$unset, condemned_at: "", ...(more === undefined && { more: "" }) },
    },
    upsert: true,
  };
}
