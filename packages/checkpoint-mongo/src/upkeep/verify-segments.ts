import type { SaverContext } from "../context/context.ts";
import type { SegmentDocument } from "../documents/documents.ts";
import { listSegments } from "../documents/manifest.ts";
import { type ContentHash, type SegmentId, parseSegmentId } from "../documents/segment-id.ts";
import { asWrongField } from "../errors/corruption.ts";
import { nameStart, verifySegment } from "../read/contents.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { bytesToHex, isBinary } from "../driver/binary.ts";
import { findSegmentFault, findSegmentFlaw } from "../store/check-segment.ts";
import type { FieldFault } from "../store/document-fields.ts";
import { joinParts } from "../store/find-segments.ts";
import { scanSegments } from "../store/scan-thread.ts";
import type { DamageList } from "./damage-list.ts";
import { groupRuns } from "./group-runs.ts";
import type { ThreadInForce } from "./thread-in-force.ts";
import type { WriteReference } from "./verify-writes.ts";

/** The names under which segments are referred to, by where they are found. */
export type References = ReadonlyMap<ContentHash, ReadonlySet<SegmentId>>;

export function listReferences(
  records: readonly Pick<CheckpointRecord, "manifest">[],
  ofWrites: readonly WriteReference[],
): References {
  const ids = new Set(ofWrites.map(({ id }) => id));
  for (const { manifest } of records) for (const id of listSegments(manifest)) ids.add(id);
  const byRoot = new Map<ContentHash, Set<SegmentId>>();
  for (const id of ids) {
    const { root } = parseSegmentId(id);
    byRoot.set(root, (byRoot.get(root) ?? new Set()).add(id));
  }
  return byRoot;
}

/**
 * Verifies each segment without its appends, and under all names that refer to it.
 *
 * @returns those that are there
 */
export async function verifySegments(
  { store, settings }: SaverContext,
  thread: ThreadInForce,
  wanted: References,
  damages: DamageList,
): Promise<ReadonlySet<ContentHash>> {
  const segments = new Set<ContentHash>();
  const cursor = scanSegments(store, thread.threadId);
  for await (const run of groupRuns(cursor, nameOfSegment)) {
    const parts = run.filter((part) => !thread.isOnItsWayOut(part));
    if (parts.length === 0) continue;
    const name = nameOfSegment(parts[0]!);
    segments.add(name);
    const report = (fault: FieldFault): void => {
      damages.add(undefined, { document: "segment", which: name, ...asWrongField(fault) });
    };
    const fault = findSegmentFault(parts);
    const flaw = findSegmentFlaw(parts);
    if (flaw !== undefined) report(flaw);
    for (const part of parts) {
      const place = { document: "segment", which: name } as const;
      for (const find of [thread.findInvented(part, place), thread.findStrayExpiry(part, place)]) {
        if (find !== undefined) damages.add(undefined, find);
      }
    }
    if (fault === undefined) {
      await verifyNames(joinParts(parts), wanted, settings.maxContentBytes, damages);
    } else {
      report(fault);
    }
  }
  return segments;
}

async function verifyNames(
  stored: ReturnType<typeof joinParts>,
  wanted: References,
  maxContentBytes: number,
  damages: DamageList,
): Promise<void> {
  for (const id of new Set([nameStart(stored), ...(wanted.get(stored.root) ?? [])])) {
    const verified = await verifySegment(id, stored, maxContentBytes);
    if ("found" in verified)
      damages.add(undefined, { document: "segment", which: id, ...verified });
  }
}

function nameOfSegment({ _id: id, segment }: SegmentDocument): string {
  if (isBinary(segment)) return bytesToHex(segment);
  return `with the _id ${isBinary(id) ? bytesToHex(id) : String(id)}`;
}
