import { STORED_NAME } from "../documents/sealed-bytes.ts";
import type { SegmentDocument } from "../documents/documents.ts";
import type { ContentHash } from "../documents/segment-id.ts";
import type { StoredSegment } from "../documents/segment.ts";
import { asWrongField } from "../errors/corruption.ts";
import { type PackedBytes, toPackedBytes } from "../documents/packed-bytes.ts";
import { bytesToHex, hexToBytes, isBinary, toBytes } from "../driver/binary.ts";
import { findSegmentFault, listAppended } from "./check-segment.ts";
import { oneOf } from "./one-of.ts";
import type { Store } from "./store.ts";

/** Reads segments of one or several threads. Those that are not there are not in the result. */
export async function findSegments(
  store: Store,
  threadIds: readonly string[],
  roots: readonly ContentHash[],
): Promise<StoredSegment[]> {
  if (roots.length === 0) return [];
  const plain = roots.map(hexToBytes);
  const names = (await store.encryption?.listNames(threadIds, plain)) ?? plain;
  const documents = await store.segments
    .find({
      thread_id: oneOf(threadIds),
      kind: "segment",
      segment: oneOf(names),
    })
    .toArray();
  // Several threads may each have a segment that began with the same content.
  const named = documents.filter(({ segment }) => isBinary(segment));
  const segments = Map.groupBy(named, ({ thread_id, segment, [STORED_NAME]: name = segment }) =>
    JSON.stringify([thread_id, bytesToHex(name)]),
  );
  return Array.from(segments.values(), (parts) =>
    joinParts(parts.toSorted((a, b) => a.part - b.part)),
  );
}

/** Puts a segment together from its parts, given in order. */
export function joinParts(parts: readonly SegmentDocument[]): StoredSegment {
  const { thread_id, segment, appends, more } = parts[0]!;
  const appended = listAppended(more);
  const packed = parts.map(({ data }) => (isBinary(data) ? toPackedBytes(data) : NOTHING));
  const [{ compression, data }] = packed as [PackedBytes];
  const fault = findSegmentFault(parts);
  return {
    threadId: thread_id,
    root: bytesToHex(segment),
    packed: {
      data: packed.length === 1 ? data : Buffer.concat(packed.map((part) => part.data)),
      compression,
    },
    more: appended.map(toBytes),
    isComplete: appends === appended.length && appends === (more?.length ?? 0),
    fault: fault && asWrongField(fault),
  };
}

/** Stands for a part whose data is missing. The hash then does not match. */
const NOTHING: PackedBytes = { data: new Uint8Array(), compression: undefined };
