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
  readonly #ids: ReadonlySet<string>;

  private constructor(targetId: string, ids: ReadonlySet<string>) {
    this.#targetId = targetId;
    this.#ids = ids;
  }

  /** @param withTasks whether what the tasks of the checkpoint itself have put belongs to the state */
  static async trace(
    { store }: Pick<SaverContext, "store">,
    { address, parentCheckpointId }: CheckpointRecord,
    withTasks: boolean,
  ): Promise<Lineage> {
    const links = await findLinks(store, address, MAX_LINKS);
    const parents = new Map(links.map((link) => [link.checkpointId, link.parentCheckpointId]));
    const ids = new Set<string>();
    let id = parentCheckpointId;
    while (id !== undefined && !ids.has(id)) {
      ids.add(id);
      id = parents.get(id);
    }
    if (withTasks) ids.add(address.checkpointId);
    return new Lineage(address.checkpointId, ids);
  }

  /** Whether a checkpoint of a subgraph belongs to the state. */
  async includes(context: SaverContext, record: CheckpointRecord): Promise<boolean> {
    const root = await readRoot(context, record);
    // Without a name, LangGraph goes by the ids, which are made of times.
    return root === undefined ? record.address.checkpointId < this.#targetId : this.#ids.has(root);
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
export function isLasting(checkpointNs: string): boolean {
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

/** The last checkpoint of a namespace that belongs to a state of the root graph. */
export async function findInLineage(
  context: SaverContext,
  { threadId, checkpointNs }: NamespaceAddress,
  epoch: number,
  lineage: Lineage,
): Promise<Target | undefined> {
  const { store, hasher } = context;
  const all = store.checkpoints
    .find({ thread_id: threadId, kind: "checkpoint", checkpoint_ns: checkpointNs })
    .sort({ seq: -1 });
  for await (const document of all) {
    if ((document.epoch ?? 0) !== epoch) continue;
    const record = readRecord(document, hasher);
    if (await lineage.includes(context, record)) return { document, record };
  }
  return undefined;
}
