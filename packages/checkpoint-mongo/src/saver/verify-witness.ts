import { hashNamespace } from "../integrity/hashes.ts";
import {
  findRecord,
  hasExpired,
  isOfLife,
  isOver,
  scanCheckpoints,
  scanWrites,
} from "../store/index.ts";
import { readAddress } from "./checkpoint-record.ts";
import type { SaverContext } from "./context.ts";
import type { Damage } from "./verify-thread.ts";
import { findMissing, readWitness, type Witness } from "./witness.ts";

/**
 * Finds what documents of a thread say is there and is not: sets of pending writes, and the newest
 * checkpoints of namespaces. Nothing is found of what was stored without the option `witness`.
 */
export async function verifyWitness(context: SaverContext, threadId: string): Promise<Damage[]> {
  const { collections } = context;
  // What is named is read after what names it: there may be more of it by then, but no less.
  const nowMs = await collections.clock.ask(collections.db);
  const record = await findRecord(collections, threadId);
  if (record !== undefined && (record.deleted_at !== undefined || isOver(record, nowMs))) return [];
  const checkpoints = new Map<
    string,
    { address: ReturnType<typeof readAddress>; witness: Witness }
  >();
  const newest = new Map<string, number>();
  const names = new Map<string, string>();
  for await (const document of scanCheckpoints(collections, threadId)) {
    if (!isOfLife(document, record) || hasExpired(document, record, nowMs)) continue;
    const address = readAddress(document);
    const witness = readWitness(document);
    if (witness !== undefined) checkpoints.set(formatPlace(address), { address, witness });
    const name = hashNamespace(address.checkpointNs);
    names.set(name, address.checkpointNs);
    newest.set(name, Math.max(newest.get(name) ?? 0, document.seq));
  }
  const writes = new Map<string, { task_id: string; idx: number }[]>();
  if (checkpoints.size > 0) {
    for await (const { checkpoint_ns, checkpoint_id, task_id, idx } of scanWrites(
      collections,
      threadId,
    )) {
      const place = formatPlace({ checkpointNs: checkpoint_ns, checkpointId: checkpoint_id });
      const sets = writes.get(place) ?? [];
      writes.set(place, sets);
      sets.push({ task_id, idx });
    }
  }
  const damages: Damage[] = [];
  for (const [place, { address, witness }] of checkpoints) {
    const missing = findMissing(address, witness, writes.get(place) ?? []);
    const { checkpointNs, checkpointId } = address;
    if (missing !== undefined) damages.push({ checkpointNs, checkpointId, ...missing });
  }
  for (const [name, seq] of Object.entries(record?.newest?.[record.epoch] ?? {})) {
    const found = newest.get(name) ?? 0;
    if (found >= seq) continue;
    damages.push({
      checkpointNs: names.get(name),
      checkpointId: undefined,
      document: "checkpoint",
      which: `in place ${seq}, the newest of its namespace`,
      expected: "it to exist",
      found: found === 0 ? "nothing of the namespace" : `no later one than in place ${found}`,
    });
  }
  if (damages.length === 0) return [];
  // A deletion that runs meanwhile looks like a loss.
  const after = await findRecord(collections, threadId);
  const isSame = after?.epoch === record?.epoch && after?.deleted_at === undefined;
  return isSame ? damages : [];
}

function formatPlace(place: {
  readonly checkpointNs: string;
  readonly checkpointId: string;
}): string {
  return JSON.stringify([place.checkpointNs, place.checkpointId]);
}
