import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { StoredBytes } from "../driver/binary.ts";
import type { WriteSetDocument } from "../documents/documents.ts";
import type { SegmentId } from "../documents/segment-id.ts";
import { asWrongField } from "../errors/corruption.ts";
import { loadContents } from "../read/contents.ts";
import { findPointingInto, scanWrites } from "../store/scan-thread.ts";
import type { DamageList } from "./damage-list.ts";
import { groupRuns } from "./group-runs.ts";
import {
  describeSet,
  listStoredWrites,
  listWantedOfWrites,
  listWriteSegments,
  readWriteSet,
} from "../read/read-writes.ts";
import { readAddress, toText } from "../address/read-address.ts";
import type { ThreadInForce } from "./thread-in-force.ts";

/** A segment that holds the value of a pending write. */
export interface WriteReference {
  readonly address: CheckpointAddress;
  readonly id: SegmentId;
}

/**
 * Verifies each set of pending writes of a thread, and that no set of another thread points to one of its
 * checkpoints.
 *
 * @param checkpoints the `_id` of each checkpoint
 */
export async function verifyWrites(
  context: SaverContext,
  thread: ThreadInForce,
  checkpoints: readonly StoredBytes[],
  damages: DamageList,
): Promise<{ readonly count: number; readonly references: readonly WriteReference[] }> {
  const { store } = context;
  const { threadId } = thread;
  const references: WriteReference[] = [];
  let count = 0;
  for await (const group of groupRuns(scanWrites(store, threadId), placeOfWrite)) {
    const sets = group.filter((set) => !thread.isOnItsWayOut(set));
    const contents = await loadContents(context, listWantedOfWrites(sets));
    for (const set of sets) {
      const address = readAddress(set);
      const name = { document: "write", which: describeSet(set) } as const;
      const invented = thread.findInvented(set, name);
      if (invented !== undefined) {
        damages.add(address, invented);
        continue;
      }
      await damages.collect(address, () => readWriteSet(set, contents, context));
      const stray = thread.findStrayExpiry(set, name);
      if (stray !== undefined) damages.add(address, stray);
      count += listStoredWrites(set).length;
      for (const id of listWriteSegments([set])) references.push({ address, id });
    }
  }
  for (const set of await findPointingInto(store, threadId, checkpoints)) {
    damages.add(undefined, {
      document: "write",
      which: describeSet(set),
      ...asWrongField({
        field: "checkpoint",
        expected: `it to point into its own thread, "${toText(set.thread_id)}"`,
        found: "a checkpoint of this one",
      }),
    });
  }
  return { count, references };
}

function placeOfWrite(write: WriteSetDocument): string {
  const { checkpointNs, checkpointId } = readAddress(write);
  return JSON.stringify([checkpointNs, checkpointId]);
}
