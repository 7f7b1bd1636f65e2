import type { NamespaceAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import { isPlainObject } from "../codec/values/plain-data.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import { readRecord, type CheckpointRecord } from "../records/checkpoint-record.ts";
import { findLinks } from "../store/find-links.ts";
import type { Target } from "./find-target.ts";

// A subgraph's checkpoints belong to the checkpoint of the root graph whose tasks were running when they were
// put. LangGraph names it in their metadata: `parents[""]`. A state of the root graph goes with those states of
// its subgraphs that belong to its ancestors.

/** As many as there are. */
const MAX_LINKS = 2 ** 31 - 1;

/** The checkpoints of the root graph that led to a state of it. */
export class Lineage {
  readonly #targetId: string;
  /** How many steps each lies before the state. */
  readonly #distances: ReadonlyMap<string, number>;
  /** All checkpoints of the root graph that are stored. */
  readonly #stored: ReadonlyMap<string, unknown>;

  private constructor(
    targetId: string,
    distances: ReadonlyMap<string, number>,
    stored: ReadonlyMap<string, unknown>,
  ) {
    this.#targetId = targetId;
    this.#distances = distances;
    this.#stored = stored;
  }

  /** @param withTasks whether what the tasks of the checkpoint itself have put belongs to the state */
  static async trace(
    { store }: Pick<SaverContext, "store">,
    { address, parentCheckpointId }: CheckpointRecord,
    withTasks: boolean,
  ): Promise<Lineage> {
    const links = await findLinks(store, { ...address, checkpointId: undefined }, MAX_LINKS);
    const parents = new Map(links.map((link) => [link.checkpointId, link.parentCheckpointId]));
    const distances = new Map<string, number>();
    if (withTasks) distances.set(address.checkpointId, 0);
    let id = parentCheckpointId;
    for (let distance = 1; id !== undefined && !distances.has(id); distance += 1) {
      distances.set(id, distance);
      id = parents.get(id);
    }
    return new Lineage(address.checkpointId, distances, parents);
  }

  /**
   * How many steps before the state a checkpoint of a subgraph was put.
   *
   * @returns undefined if it does not belong to the state
   */
  async measure(context: SaverContext, record: CheckpointRecord): Promise<number | undefined> {
    const root = await readRoot(context, record);
    // Of one that is not named or was pruned, LangGraph's own rule holds: ids are made of times.
    if (root !== undefined && this.#stored.has(root)) return this.#distances.get(root);
    return record.address.checkpointId < this.#targetId ? Infinity : undefined;
  }
}

/** The checkpoint of the root graph that one of a subgraph belongs to, as far as its metadata says. */
export async function readRoot(
  context: SaverContext,
  record: CheckpointRecord,
): Promise<string | undefined> {
  const metadata = await decodeMetadata(record, context);
  const parents = isPlainObject(metadata) ? metadata["parents"] : undefined;
  const root = isPlainObject(parents) ? parents[""] : undefined;
  return typeof root === "string" ? root : undefined;
}

/**
 * Whether a subgraph in this namespace keeps one history over all steps of the thread
 * (`checkpointer: true`). Others get a new namespace with each task.
 */
function isLasting(checkpointNs: string): boolean {
  return checkpointNs !== "" && !checkpointNs.includes(":");
}

/** The latest checkpoint of each subgraph that keeps one history. */
export async function findLastingHeads(
  { store, hasher }: Pick<SaverContext, "store" | "hasher">,
  threadId: string,
  epoch: number,
): Promise<readonly Target[]> {
  // Only their places first: there may be a namespace for each task.
  const heads = await store.checkpoints
    .find({ thread_id: threadId, kind: "checkpoint", head: true })
    .project<Pick<CheckpointDocument, "_id" | "checkpoint_ns" | "seq" | "epoch">>({
      checkpoint_ns: 1,
      seq: 1,
      epoch: 1,
    })
    .toArray();
  const latest = new Map<string, (typeof heads)[number]>();
  for (const head of heads) {
    if (!isLasting(head.checkpoint_ns) || (head.epoch ?? 0) !== epoch) continue;
    const other = latest.get(head.checkpoint_ns);
    if (other === undefined || other.seq < head.seq) latest.set(head.checkpoint_ns, head);
  }
  const targets: Target[] = [];
  for (const { _id } of latest.values()) {
    const document = await store.checkpoints.findOne({ _id });
    if (document !== null) targets.push({ document, record: readRecord(document, hasher) });
  }
  return targets;
}

/**
 * The last checkpoint of a namespace that belongs to a state of the root graph. What an earlier rollback has put
 * at the end of the order may belong to an earlier step.
 */
export async function findInLineage(
  context: SaverContext,
  { threadId, checkpointNs }: NamespaceAddress,
  epoch: number,
  lineage: Lineage,
): Promise<Target | undefined> {
  const { store, hasher } = context;
  let nearest: { readonly target: Target; readonly distance: number } | undefined;
  const all = store.checkpoints
    .find({ thread_id: threadId, kind: "checkpoint", checkpoint_ns: checkpointNs })
    .sort({ seq: -1 });
  for await (const document of all) {
    if ((document.epoch ?? 0) !== epoch) continue;
    const record = readRecord(document, hasher);
    const distance = await lineage.measure(context, record);
    const isNearer = nearest === undefined || (distance ?? Infinity) < nearest.distance;
    if (distance === undefined || !isNearer) continue;
    nearest = { target: { document, record }, distance };
    if (distance === 0) break;
  }
  return nearest?.target;
}
