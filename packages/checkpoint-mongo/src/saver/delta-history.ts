import type { DeltaChannelHistory } from "@langchain/langgraph-checkpoint";
import type { OpenAddress } from "../address/address.ts";
import type { CheckpointDocument, WriteSetDocument } from "../documents/index.ts";
import { findCheckpointOnly, findWrites } from "../store/index.ts";
import { readRecord, type CheckpointRecord } from "./checkpoint-record.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import { listManifestSegments, readChannels } from "./read-tuple.ts";
import { listWriteSegments, readWrites } from "./read-writes.ts";
import { isExpired } from "./threads.ts";
import { walkParents } from "./walk-parents.ts";

/** What was collected, and whether the way back to it was whole. */
export interface DeltaHistory {
  readonly history: Record<string, DeltaChannelHistory>;
  /** False if an ancestor on the way is not stored. */
  readonly endsAtRoot: boolean;
}

/**
 * Collects, for each channel, the writes on the way from the nearest ancestor that stores a value
 * of it to the given checkpoint, oldest first, and that value as seed. Only ancestors on the parent
 * chain count.
 *
 * @throws CorruptCheckpointError if an ancestor or a write is not as it was written
 */
export async function getDeltaHistory(
  context: SaverContext,
  address: OpenAddress,
  channels: readonly string[],
): Promise<DeltaHistory> {
  const target = await findCheckpointOnly(context.collections, address);
  const walk = new Walk(channels);
  if (target !== undefined && !isExpired(target.expires_at)) {
    for await (const ancestor of walkParents(context, target)) {
      walk.visit(readRecord(ancestor, context.hasher), ancestor);
      if (walk.isDone) break;
    }
  }
  const writes = await findWrites(context.collections, context.features, walk.documents, channels);
  const root = walk.documents.at(-1) ?? target;
  return {
    history: await assemble(context, walk, channels, writes, address.threadId),
    endsAtRoot: walk.isDone || (root !== undefined && root.parent_checkpoint_id === undefined),
  };
}

/** What was met on the way, and where each channel's way ends. */
class Walk {
  readonly documents: CheckpointDocument[] = [];
  /** Where each channel's seed is; channels that are not in it have none. */
  readonly seeds = new Map<string, CheckpointRecord>();
  /** How many of the documents count for each channel. */
  readonly lengths = new Map<string, number>();
  readonly #open: Set<string>;

  constructor(channels: readonly string[]) {
    this.#open = new Set(channels);
  }

  get isDone(): boolean {
    return this.#open.size === 0;
  }

  visit(record: CheckpointRecord, document: CheckpointDocument): void {
    this.documents.push(document);
    for (const channel of this.#open) {
      this.lengths.set(channel, this.documents.length);
      if (record.manifest.has(channel)) {
        this.seeds.set(channel, record);
        this.#open.delete(channel);
      }
    }
  }
}

async function assemble(
  context: SaverContext,
  walk: Walk,
  channels: readonly string[],
  writes: readonly WriteSetDocument[],
  threadId: string,
): Promise<Record<string, DeltaChannelHistory>> {
  const seedManifests = Array.from(walk.seeds, ([channel, { address, manifest }]) => ({
    address,
    manifest: new Map([[channel, manifest.get(channel)!]]),
  }));
  const contents = await loadContents(context.collections, context.cache, [
    ...seedManifests.map(({ manifest }) => ({ threadId, ...listManifestSegments(manifest) })),
    { threadId, lines: [], bytes: listWriteSegments(writes) },
  ]);
  const seeds: Record<string, unknown> = {};
  for (const seed of seedManifests) {
    Object.assign(seeds, await readChannels(seed, contents, context));
  }
  const byCheckpoint = Map.groupBy(writes, ({ checkpoint_id }) => checkpoint_id);
  const history: [string, DeltaChannelHistory][] = [];
  for (const channel of channels) {
    const collected: DeltaChannelHistory["writes"] = [];
    const documents = walk.documents.slice(0, walk.lengths.get(channel) ?? 0);
    for (const { checkpoint_id } of documents.toReversed()) {
      const sets = byCheckpoint.get(checkpoint_id) ?? [];
      collected.push(...(await readWrites(sets, contents, context, [channel])));
    }
    history.push([
      channel,
      {
        writes: collected,
        ...(walk.seeds.has(channel) && { seed: seeds[channel] }),
      },
    ]);
  }
  return Object.fromEntries(history);
}
