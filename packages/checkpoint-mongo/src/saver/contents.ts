import type { CheckpointAddress } from "../address/address.ts";
import { hashContent, splitLines, unpack } from "../codec/index.ts";
import type { SegmentId } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import { findSegments, type Collections, type PackedBytes } from "../store/index.ts";
import type { Cache, SegmentContent } from "./cache.ts";

/** Which segments are wanted, and how their content is to be read. */
export interface WantedSegments {
  readonly threadId: string;
  /** Segments of this package's encoding. */
  readonly lines: readonly SegmentId[];
  /** Segments of a user's serializer, and single values that are too large for their document. */
  readonly bytes: readonly SegmentId[];
}

/** What is wrong with a segment that cannot be used. */
export interface SegmentFault {
  readonly expected: string;
  readonly found: string;
}

/** Segments at hand for one operation, verified. */
export interface Contents {
  get(id: SegmentId): SegmentContent | undefined;
  /** Why a wanted segment is not at hand. */
  fault(id: SegmentId): SegmentFault;
}

/** Gets segments from the cache, and all others with one command. */
export async function loadContents(
  collections: Collections,
  cache: Cache,
  wanted: readonly WantedSegments[],
): Promise<Contents> {
  const contents = new Map<SegmentId, SegmentContent>();
  const missing = new Map<SegmentId, "lines" | "bytes">();
  const threadIds = new Set<string>();
  for (const { threadId, ...ids } of wanted) {
    for (const kind of ["lines", "bytes"] as const) {
      for (const id of ids[kind]) {
        if (contents.has(id) || missing.has(id)) continue;
        const cached = cache.getSegment(id);
        if (cached !== undefined && kind in cached) {
          contents.set(id, cached);
        } else {
          missing.set(id, kind);
          threadIds.add(threadId);
        }
      }
    }
  }
  const faults = new Map<SegmentId, SegmentFault>();
  const found = await findSegments(collections, [...threadIds], [...missing.keys()]);
  for (const [id, stored] of found) {
    const verified = verifySegment(id, stored);
    if ("found" in verified) {
      faults.set(id, verified);
      continue;
    }
    const content = missing.get(id) === "lines" ? { lines: splitLines(verified.bytes) } : verified;
    contents.set(id, content);
    cache.setSegment(id, content);
  }
  return {
    get: (id) => contents.get(id),
    fault: (id) => faults.get(id) ?? MISSING,
  };
}

/**
 * Refuses a checkpoint that needs a segment which is not at hand.
 *
 * @throws CorruptCheckpointError always
 */
export function throwFault(address: CheckpointAddress, id: SegmentId, contents: Contents): never {
  throw new CorruptCheckpointError(address, {
    document: "segment",
    which: id,
    ...contents.fault(id),
  });
}

/** The content of a stored segment, or what is wrong with it. */
export function verifySegment(
  id: SegmentId,
  stored: PackedBytes | undefined,
): { readonly bytes: Uint8Array } | SegmentFault {
  if (stored === undefined) return MISSING;
  let bytes: Uint8Array;
  try {
    bytes = unpack(stored);
  } catch (error) {
    return { expected: "readable content", found: String(error) };
  }
  const hash = hashContent(bytes);
  return hash === id ? { bytes } : { expected: `the hash ${id}`, found: `the hash ${hash}` };
}

const MISSING: SegmentFault = { expected: "it to exist", found: "nothing" };
