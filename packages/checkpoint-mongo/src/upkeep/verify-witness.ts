import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import { asMissing } from "../errors/corruption.ts";
import { hashNamespace } from "../integrity/hashes.ts";
import { readAddress } from "../address/read-address.ts";
import { type Witness, findMissing, readWitness } from "../records/witness.ts";
import { scanCheckpoints, scanWrites } from "../store/scan-thread.ts";
import type { DamageList } from "./damage-list.ts";
import type { ThreadInForce } from "./thread-in-force.ts";

/** A set of pending writes, by its task and place. */
interface SetPlace {
  readonly task_id: string;
  readonly idx: number;
}

/**
 * Finds sets of pending writes and newest checkpoints that documents of a thread name and that are
 * missing. What was stored without the option `witness` is named by no document.
 */
export async function verifyWitness(
  { store }: SaverContext,
  thread: ThreadInForce,
  damages: DamageList,
): Promise<void> {
  // What is named is read after what names it: by then there may be more, but never less.
  const witnesses = new Map<string, { address: CheckpointAddress; witness: Witness }>();
  const last = new Map<string, { checkpointNs: string; seq: number }>();
  for await (const document of scanCheckpoints(store, thread.threadId)) {
    if (thread.isOnItsWayOut(document)) continue;
    const address = readAddress(document);
    const witness = readWitness(document);
    if (witness !== undefined) witnesses.set(formatPlace(address), { address, witness });
    const { checkpointNs } = address;
    const name = hashNamespace(checkpointNs);
    last.set(name, { checkpointNs, seq: Math.max(last.get(name)?.seq ?? 0, document.seq) });
  }
  if (witnesses.size > 0) {
    const writes = new Map<string, SetPlace[]>();
    for await (const set of scanWrites(store, thread.threadId)) {
      const place = formatPlace(readAddress(set));
      const sets = writes.get(place) ?? [];
      writes.set(place, sets);
      sets.push({ task_id: set.task_id, idx: set.idx });
    }
    for (const [place, { address, witness }] of witnesses) {
      const lost = findMissing(address, witness, writes.get(place) ?? []);
      if (lost !== undefined) damages.add(address, lost);
    }
  }
  const { record } = thread;
  for (const [name, seq] of Object.entries(record?.newest?.[record.epoch] ?? {})) {
    const found = last.get(name);
    if (found !== undefined && found.seq >= seq) continue;
    const namespace =
      found === undefined ? "" : ` of namespace ${JSON.stringify(found.checkpointNs)}`;
    damages.add(undefined, {
      document: "checkpoint",
      which: `in place ${seq}, the newest${namespace}`,
      ...asMissing(
        found === undefined
          ? "nothing of its namespace"
          : `no later one than in place ${found.seq}`,
      ),
    });
  }
}

function formatPlace({ checkpointNs, checkpointId }: CheckpointAddress): string {
  return JSON.stringify([checkpointNs, checkpointId]);
}
