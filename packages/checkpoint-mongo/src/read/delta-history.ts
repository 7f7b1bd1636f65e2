import type { DeltaChannelHistory } from "@langchain/langgraph-checkpoint";
import type { OpenAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument, WriteSetDocument } from "../documents/documents.ts";
import { type CheckpointRecord, readRecord } from "../records/checkpoint-record.ts";
import { findCheckpointOfLife } from "../store/find-checkpoint.ts";
import { findWritesBetween } from "../store/find-writes.ts";
import { isLiving, unlessGone } from "../threads/lives.ts";
import { loadContents } from "./contents.ts";
import { findWritesOf } from "./find-writes-of.ts";
import { listManifestSegments, readChannels } from "./read-tuple.ts";
import { listWantedOfWrites, readWrites } from "./read-writes.ts";
import { walkRecords } from "./walk-parents.ts";

/** A read starts over if documents were removed while it was under way, at most this many times. */
const MAX_ROUNDS = 10;

/** What was collected, and whether the whole way back was found. */
export interface DeltaHistory {
  readonly history: Record<string, DeltaChannelHistory>;
  /** False if the checkpoint or an ancestor on the way is not stored. */
  readonly endsAtRoot: boolean;
}

/**
 * Collects, for each channel, the writes on the way from the nearest ancestor that stores a value
 * of it to the given checkpoint, oldest first, and that value as seed. Only ancestors on the parent
 * chain count.
 *
 * @throws CorruptCheckpointError if the checkpoint, an ancestor or a write is not as it was written
 */
export async function getDeltaHistory(
  context: SaverContext,
  address: OpenAddress,
  channels: readonly string[],
  round = 1,
): Promise<DeltaHistory> {
  const { store } = context;
  const found = await findCheckpointOfLife(store, address);
  if (found === undefined || !(await isLiving(store, found.document, found.record))) {
    const nothing = await assemble(context, new Walk(channels), []);
    return { history: nothing, endsAtRoot: false };
  }
  const read = () => readHistory(context, found.document, channels);
  // If parts are missing after that many reads, they were not removed meanwhile: it is damage.
  if (round === MAX_ROUNDS) return read();
  const history = await unlessGone(store, found.document, read);
  return history === "gone" ? getDeltaHistory(context, address, channels, round + 1) : history;
}

async function readHistory(
  context: SaverContext,
  document: CheckpointDocument,
  channels: readonly string[],
): Promise<DeltaHistory> {
  const walk = new Walk(channels);
  const target = readRecord(document, context.hasher);
  for await (const ancestor of walkRecords(context, target)) {
    walk.visit(ancestor);
    if (walk.isDone) break;
  }
  const found = await findWritesOfChain(context, walk.records, channels);
  const writes = found.filter(({ epoch = 0 }) => epoch === target.epoch);
  const { parentCheckpointId } = walk.records.at(-1) ?? target;
  return {
    history: await assemble(context, walk, writes),
    endsAtRoot: walk.isDone || parentCheckpointId === undefined,
  };
}

/** What was met on the way, and where each channel's way ends. */
class Walk {
  readonly records: CheckpointRecord[] = [];
  /** Where each channel's seed is; channels that are not in it have none. */
  readonly seeds = new Map<string, CheckpointRecord>();
  /** How many of the records count for each channel. */
  readonly lengths: Map<string, number>;
  readonly #open: Set<string>;

  constructor(channels: readonly string[]) {
    this.lengths = new Map(channels.map((channel) => [channel, 0]));
    this.#open = new Set(channels);
  }

  get isDone(): boolean {
    return this.#open.size === 0;
  }

  visit(record: CheckpointRecord): void {
    this.records.push(record);
    for (const channel of this.#open) {
      this.lengths.set(channel, this.records.length);
      if (record.manifest.has(channel)) {
        this.seeds.set(channel, record);
        this.#open.delete(channel);
      }
    }
  }
}

async function findWritesOfChain(
  context: SaverContext,
  chain: readonly CheckpointRecord[],
  channels: readonly string[],
): Promise<readonly WriteSetDocument[]> {
  const [nearest] = chain;
  if (nearest === undefined) return [];
  const addresses = chain.map(({ address }) => address);
  const span = nearest.seq - chain.at(-1)!.seq + 1;
  // Elsewhere, writes of other branches would be most of what is read.
  if (span <= 2 * chain.length) {
    return findWritesBetween(context.store, addresses, channels);
  }
  return findWritesOf(context, addresses, channels);
}

async function assemble(
  context: SaverContext,
  { records, seeds, lengths }: Walk,
  sets: readonly WriteSetDocument[],
): Promise<Record<string, DeltaChannelHistory>> {
  const seedManifests = Array.from(seeds, ([channel, { address, manifest }]) => ({
    address,
    manifest: new Map([[channel, manifest.get(channel)!]]),
  }));
  const contents = await loadContents(context, [
    ...seedManifests.map(({ address, manifest }) => ({
      address,
      ...listManifestSegments(manifest),
    })),
    ...listWantedOfWrites(sets),
  ]);
  const seedValues: Record<string, unknown> = {};
  for (const seed of seedManifests) {
    Object.assign(seedValues, await readChannels(seed, contents, context));
  }
  const channels = [...lengths.keys()];
  const history = new Map<string, DeltaChannelHistory>(
    channels.map((channel) => [
      channel,
      { writes: [], ...(seeds.has(channel) && { seed: seedValues[channel] }) },
    ]),
  );
  const byCheckpoint = Map.groupBy(sets, ({ checkpoint_id }) => checkpoint_id);
  for (let index = records.length - 1; index >= 0; index -= 1) {
    const { address } = records[index]!;
    const open = channels.filter((channel) => lengths.get(channel)! > index);
    const found = byCheckpoint.get(address.checkpointId) ?? [];
    for (const write of await readWrites(address, found, contents, context, open)) {
      history.get(write[1])!.writes.push(write);
    }
  }
  return Object.fromEntries(history);
}
