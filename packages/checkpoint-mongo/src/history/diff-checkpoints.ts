import type { RunnableConfig } from "@langchain/core/runnables";
import { isDeepStrictEqual } from "node:util";
import { toConfig, type OpenAddress } from "../address/address.ts";
import { isPlainObject } from "../codec/values/plain-data.ts";
import type { SaverContext } from "../context/context.ts";
import type { ChannelManifest } from "../documents/manifest.ts";
import { loadContents, type Contents, type WantedSegments } from "../read/contents.ts";
import { decodeMetadata, listManifestSegments, readChannels } from "../read/read-tuple.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { compareItems, toText, type ItemChanges } from "./compare-items.ts";
import { CommonSlices } from "./common-slices.ts";
import { requireTarget } from "./find-target.ts";

/** How a channel differs between two checkpoints. */
export type ChannelDifference =
  | {
      readonly channel: string;
      /** Only the second checkpoint has it. */
      readonly change: "added";
      readonly after: unknown;
    }
  | {
      readonly channel: string;
      /** Only the first checkpoint has it. */
      readonly change: "removed";
      readonly before: unknown;
    }
  | {
      readonly channel: string;
      /** Its values differ, and one of them is no list. */
      readonly change: "changed";
      readonly before: unknown;
      readonly after: unknown;
    }
  | (ItemChanges & {
      readonly channel: string;
      /** Both values are lists, such as messages. */
      readonly change: "items";
    })
  | {
      readonly channel: string;
      /**
       * A delta channel that one of the checkpoints does not store: only its graph can make its value. Compare it
       * with `graph.getState`.
       */
      readonly change: "unstored";
    };

/** What is different between two checkpoints. */
export interface CheckpointDiff {
  /** Names the first checkpoint. */
  readonly before: RunnableConfig;
  /** Names the second checkpoint. */
  readonly after: RunnableConfig;
  /** The channels that differ, without those that LangGraph keeps for itself. */
  readonly channels: readonly ChannelDifference[];
}

/**
 * Compares two checkpoints channel by channel. What both are made of is not read: equal segments have equal names.
 *
 * @throws ThreadNotFoundError if a thread is not there
 * @throws CheckpointNotFoundError if a checkpoint is not
 * @throws CorruptCheckpointError if something that is read is damaged
 */
export async function diffCheckpoints(
  context: SaverContext,
  a: OpenAddress,
  b: OpenAddress,
): Promise<CheckpointDiff> {
  const before = (await requireTarget(context, a)).record;
  const after = (await requireTarget(context, b)).record;
  const pairs = await pairChannels(context, before, after);
  const contents = await loadContents(context, [
    want(
      before,
      pairs.map(({ before: own }) => own),
    ),
    want(
      after,
      pairs.map(({ after: own }) => own),
    ),
  ]);
  const sides = { before, after };
  const channels: ChannelDifference[] = [];
  for (const pair of pairs) {
    const difference = await compareChannel(context, sides, pair, contents);
    if (difference !== undefined) channels.push(difference);
  }
  return { before: toConfig(before.address), after: toConfig(after.address), channels };
}

/** A channel of two checkpoints that is not made of the same segments, as far as it has to be read. */
interface ChannelPair {
  readonly channel: string;
  /** Undefined if the checkpoint does not have it. */
  readonly before: ChannelManifest | undefined;
  readonly after: ChannelManifest | undefined;
  /** Set if both are lists: what they begin and end with in common is left out above. */
  readonly lists: CommonSlices | undefined;
  readonly isUnstored: boolean;
}

interface Sides {
  readonly before: CheckpointRecord;
  readonly after: CheckpointRecord;
}

async function pairChannels(
  context: SaverContext,
  a: CheckpointRecord,
  b: CheckpointRecord,
): Promise<readonly ChannelPair[]> {
  const deltas = new Set([...(await listDeltas(context, a)), ...(await listDeltas(context, b))]);
  const names = new Set([...a.manifest.keys(), ...b.manifest.keys(), ...deltas]);
  const pairs: ChannelPair[] = [];
  for (const channel of names) {
    if (isInternal(channel)) continue;
    const before = a.manifest.get(channel);
    const after = b.manifest.get(channel);
    if (deltas.has(channel) && (before === undefined || after === undefined)) {
      if (!isSameVersion(a, b, channel)) {
        const nothing = { before: undefined, after: undefined, lists: undefined };
        pairs.push({ channel, ...nothing, isUnstored: true });
      }
      continue;
    }
    if (isDeepStrictEqual(before, after)) continue;
    const lists = before && after && CommonSlices.find(before, after);
    pairs.push({
      channel,
      before: lists?.before ?? before,
      after: lists?.after ?? after,
      lists,
      isUnstored: false,
    });
  }
  return pairs;
}

/** The delta channels of a checkpoint, stored or not. */
async function listDeltas(
  context: SaverContext,
  record: CheckpointRecord,
): Promise<readonly string[]> {
  const metadata = await decodeMetadata(record, context);
  const counters = isPlainObject(metadata) ? metadata["counters_since_delta_snapshot"] : undefined;
  const stored = Array.from(record.manifest).filter(
    ([, channel]) => "slices" in channel && channel.wrapper === "delta",
  );
  return [...stored.map(([name]) => name), ...Object.keys(isPlainObject(counters) ? counters : {})];
}

function isSameVersion(a: CheckpointRecord, b: CheckpointRecord, channel: string): boolean {
  const isSameThread =
    a.address.threadId === b.address.threadId && a.address.checkpointNs === b.address.checkpointNs;
  return isSameThread && a.header.channel_versions[channel] === b.header.channel_versions[channel];
}

/** LangGraph's own channels: they say which nodes run next. */
function isInternal(channel: string): boolean {
  return /^(?:__|branch:to:|join:)/u.test(channel);
}

function want(
  { address }: CheckpointRecord,
  channels: readonly (ChannelManifest | undefined)[],
): WantedSegments {
  const own = channels.flatMap((channel, index) =>
    channel === undefined ? [] : [[String(index), channel] as const],
  );
  return { address, ...listManifestSegments(new Map(own)) };
}

async function compareChannel(
  context: SaverContext,
  sides: Sides,
  { channel, before, after, lists, isUnstored }: ChannelPair,
  contents: Contents,
): Promise<ChannelDifference | undefined> {
  if (isUnstored) return { channel, change: "unstored" };
  const read = (record: CheckpointRecord, held: ChannelManifest | undefined) =>
    readValue(context, record, channel, held, contents);
  if (before === undefined) {
    return { channel, change: "added", after: await read(sides.after, after) };
  }
  if (after === undefined) {
    return { channel, change: "removed", before: await read(sides.before, before) };
  }
  const values = {
    before: await read(sides.before, before),
    after: await read(sides.after, after),
  };
  if (!Array.isArray(values.before) || !Array.isArray(values.after)) {
    const isSame = toText(values.before) === toText(values.after);
    return isSame ? undefined : { channel, change: "changed", ...values };
  }
  const changes = compareItems(values.before, values.after, lists?.hasCommonEnd ?? false);
  return changes && { channel, change: "items", ...changes };
}

async function readValue(
  context: SaverContext,
  { address }: CheckpointRecord,
  channel: string,
  held: ChannelManifest | undefined,
  contents: Contents,
): Promise<unknown> {
  if (held === undefined) return undefined;
  const manifest = new Map([[channel, held]]);
  return (await readChannels({ address, manifest }, contents, context))[channel];
}
