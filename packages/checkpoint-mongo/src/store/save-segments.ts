import type { Document, Filter, PushOperator } from "mongodb";
import { type ContentHash, parseSegmentId } from "../documents/segment-id.ts";
import type { SegmentToStore } from "../documents/segment.ts";
import { hashSegmentPlace } from "../integrity/hashes.ts";
import { hexToBytes } from "../driver/binary.ts";
import { toPackedBinary } from "../documents/packed-bytes.ts";
import type { ChainUpdate } from "./chain.ts";
import type { FencedThread } from "./fenced-thread.ts";
import type { Store } from "./store.ts";

/**
 * Bytes in one document; the limit is 16 MB for all of it. The driver writes a command at once: with
 * 8 MB it kept the event loop for up to 36 ms.
 */
export const MAX_PART_BYTES: number = 4 * 1_024 * 1_024;

/**
 * Bytes of segments in one command. The driver holds a command in memory three times while it sends
 * it, and servers refuse more than 48 MB.
 */
const MAX_COMMAND_BYTES = 2 * 1_024 * 1_024;

/**
 * Stores segments ahead of what refers to them, as far as they are too many for one command with it,
 * each command fenced like the last one. Until that one succeeds, nothing refers to them: a process
 * that ends before leaves orphans for a sweep.
 *
 * @returns the updates that store the others, to go with what refers to them: all of them unless a
 *   state is large. Undefined if the thread has changed meanwhile.
 */
export async function saveAhead(
  thread: FencedThread,
  segments: readonly SegmentToStore[],
): Promise<readonly ChainUpdate[] | undefined> {
  const { whole = [], appended = [] } = Object.groupBy(segments, (segment) =>
    isWhole(segment) ? "whole" : "appended",
  );
  let updates: ChainUpdate[] = [];
  let bytes = 0;
  for (const segment of whole) {
    for (const { update, size } of await creations(thread, segment)) {
      if (updates.length > 0 && bytes + size > MAX_COMMAND_BYTES) {
        const outcome = await thread.write(updates);
        if (outcome.kind === "conflict") return undefined;
        updates = [];
        bytes = 0;
      }
      updates.push(update);
      bytes += size;
    }
  }
  // A creation may be repeated if the last command fails, an append may not.
  for (const segment of appended) updates.push(await appending(thread, segment));
  return updates;
}

/**
 * Stores segments for themselves: those that are there already stay. What was appended to one is
 * left out, since a stored checkpoint refers to such a segment and no sweep removes it.
 */
export async function saveSegments(
  thread: FencedThread,
  segments: readonly SegmentToStore[],
): Promise<void> {
  const whole = segments.filter(isWhole);
  const rest = await saveAhead(thread, whole);
  if (rest !== undefined && rest.length > 0) {
    await thread.write(rest);
  }
}

/**
 * Removes the document that an append creates if its segment no longer exists. It holds nothing but the append.
 */
export async function removeAppendsAlone(
  { segments, encryption }: Store,
  threadId: string,
  roots: readonly ContentHash[],
): Promise<void> {
  const names = roots.map(hexToBytes);
  const filter = {
    thread_id: threadId,
    kind: "segment" as const,
    segment: { $in: (await encryption?.listNames([threadId], names)) ?? names },
    part: 0,
  };
  await segments.deleteMany({ ...filter, data: { $exists: false } });
}

/** How many documents a segment takes; what is appended goes into the first. */
export async function countParts(segment: SegmentToStore): Promise<number> {
  return isWhole(segment) ? cutParts((await segment.pack()).data).length : 1;
}

function isWhole({ id }: SegmentToStore): boolean {
  return parseSegmentId(id).appends === 0;
}

/**
 * The updates that store a segment, one for each part. A segment that is there already has the same
 * content, since that is what names it; it becomes part of this life of its thread: it may be left
 * over from an earlier one that is just being removed, or marked by a sweep.
 *
 * Its content is set all the same, which mends it if it is damaged: a step that is done again makes
 * the same segments. Not where it has several parts, because another version of the compression may
 * have cut them elsewhere.
 */
async function creations(
  thread: FencedThread,
  segment: SegmentToStore,
): Promise<{ readonly update: ChainUpdate; readonly size: number }[]> {
  const { $set, $max, $unset } = thread.claim();
  const packed = await segment.pack();
  const parts = cutParts(packed.data);
  const { root } = parseSegmentId(segment.id);
  return parts.map((part, number) => {
    const data = toPackedBinary(
      { data: part, compression: packed.compression },
      thread.store.Binary,
    );
    const isAll = parts.length === 1;
    return {
      update: {
        filter: matchPart(thread, root, number),
        update: {
          $set: { ...$set, ...(isAll && { data }) },
          $max,
          $setOnInsert: {
            _id: hashSegmentPlace(thread.threadId, root, number),
            ...(!isAll && { data }),
            appends: 0,
          },
          $unset: { ...$unset, condemned_at: "" },
        },
        upsert: true,
      },
      size: part.byteLength,
    };
  });
}

/**
 * Appends only where nothing else has been appended since. If something was, the upsert collides
 * with the segment that is there, which ends the batch.
 *
 * The segment belongs to this life of its thread already, since the parent refers to it. It is not
 * claimed again: a put that has been overtaken by a change of the expiry would take it back to the
 * earlier one, and not look at it again when it repeats, since its items are there then.
 */
async function appending(thread: FencedThread, segment: SegmentToStore): Promise<ChainUpdate> {
  const { root, appends } = parseSegmentId(segment.id);
  const { data } = await segment.pack();
  return {
    filter: { ...matchPart(thread, root, 0), appends: appends - 1 },
    update: {
      $push: { more: data } as unknown as PushOperator<Document>,
      $inc: { appends: 1 },
      $setOnInsert: { _id: hashSegmentPlace(thread.threadId, root, 0) },
    },
    upsert: true,
    mustExist: true,
  };
}

function matchPart({ threadId }: FencedThread, root: ContentHash, part: number): Filter<Document> {
  return { thread_id: threadId, kind: "segment", segment: hexToBytes(root), part };
}

function cutParts(data: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let start = 0; start === 0 || start < data.byteLength; start += MAX_PART_BYTES) {
    parts.push(data.subarray(start, start + MAX_PART_BYTES));
  }
  return parts;
}
