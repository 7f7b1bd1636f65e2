import type { SegmentDocument, SegmentId } from "../documents/index.ts";
import { binaryToHex, hexToBinary, toPackedBytes, type PackedBytes } from "./binary.ts";
import type { Collections } from "./collections.ts";

/**
 * Reads segments, putting them together from their parts. Those that are not there are not in the result.
 *
 * @param threadIds the threads whose segments they are; the same content is the same in all of them
 */
export async function findSegments(
  collections: Collections,
  threadIds: readonly string[],
  ids: readonly SegmentId[],
): Promise<Map<SegmentId, PackedBytes>> {
  if (ids.length === 0) return new Map();
  const documents = await collections.segments
    .find({
      thread_id: threadIds.length === 1 ? threadIds[0]! : { $in: [...threadIds] },
      segment: { $in: ids.map(hexToBinary) },
    })
    .toArray();
  const copies = Map.groupBy(documents, (document) => binaryToHex(document.segment));
  return new Map(Array.from(copies, ([id, parts]) => [id, joinParts(takeOneCopy(parts))]));
}

/** Several threads may each have a copy of a segment. */
function takeOneCopy(parts: readonly SegmentDocument[]): SegmentDocument[] {
  const { thread_id } = parts[0]!;
  return parts.filter((part) => part.thread_id === thread_id).toSorted((a, b) => a.part - b.part);
}

/** Puts a segment together from its parts, given in order. */
export function joinParts(parts: readonly SegmentDocument[]): PackedBytes {
  const packed = parts.map((part) => toPackedBytes(part.data));
  if (packed.length === 1) return packed[0]!;
  return {
    data: Buffer.concat(packed.map(({ data }) => data)),
    compression: packed[0]!.compression,
  };
}
