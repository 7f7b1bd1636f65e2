import type { SaverContext } from "../context/context.ts";
import type { SegmentDocument } from "../documents/documents.ts";
import { STORED_NAME } from "../documents/sealed-bytes.ts";
import type { ContentHash } from "../documents/segment-id.ts";
import { asWrongField } from "../errors/corruption.ts";
import { nameStart, verifySegment } from "../read/contents.ts";
import { bytesToHex, isBinary } from "../driver/binary.ts";
import { findSegmentFault, findSegmentFlaw } from "../store/check-segment.ts";
import type { FieldFault } from "../store/document-fields.ts";
import { joinParts } from "../store/find-segments.ts";
import { scanSegments } from "../store/scan-thread.ts";
import type { DamageList } from "./damage-list.ts";
import { groupRuns } from "./group-runs.ts";
import type { References } from "./references.ts";
import type { ThreadInForce } from "./thread-in-force.ts";

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
  for await (const run of groupRuns(cursor, storedNameOf)) {
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
  for (const id of new Set([nameStart(stored), ...wanted.listNames(stored.root)])) {
    const verified = await verifySegment(id, stored, maxContentBytes);
    if ("found" in verified)
      damages.add(undefined, { document: "segment", which: id, ...verified });
  }
}

/** Of a segment that was stored in clear text and, since then, encrypted, each is a segment by itself. */
function storedNameOf({ _id, segment, [STORED_NAME]: name = segment }: SegmentDocument): string {
  return nameOfSegment({ _id, segment: name });
}

function nameOfSegment({ _id: id, segment }: Pick<SegmentDocument, "_id" | "segment">): string {
  if (isBinary(segment)) return bytesToHex(segment);
  return `with the _id ${isBinary(id) ? bytesToHex(id) : String(id)}`;
}
