import { listReusable } from "../codec/channels/plan-channel.ts";
import type { KnownSegment } from "../codec/segments/known-segment.ts";
import type { Segment } from "../codec/segments/segment.ts";
import type { SaverContext } from "../context/context.ts";
import { type ChannelManifest, type Manifest, listSegments } from "../documents/manifest.ts";
import { type ContentHash, type SegmentId, parseSegmentId } from "../documents/segment-id.ts";
import { type Contents, loadContents } from "../read/contents.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { type WrittenChannel, isAsStored } from "../records/value-writer.ts";
import type { ThreadState } from "../store/thread-record.ts";
import { findEarlier } from "./earlier-values.ts";
import type { Snapshot } from "./snapshot.ts";

/** A state as a manifest, with the segments and appends that are not stored yet. */
export interface EncodedState {
  readonly manifest: Manifest;
  readonly segments: readonly Segment[];
  /** Checkpoints besides the parent whose segments it names. */
  readonly builtUpon: readonly CheckpointRecord[];
}

/** What a state is encoded for. */
export interface StateToEncode {
  readonly threadId: string;
  readonly snapshot: Snapshot;
  /** The checkpoint it is a child of; `"missing"` if there should be one but it is not stored. */
  readonly parent: CheckpointRecord | "missing" | undefined;
  /** The thread as it is now; undefined if this process does not know it yet. */
  readonly thread: ThreadState | undefined;
}

/** The channels that differ from the parent's. */
interface Changes {
  readonly written: ReadonlyMap<string, WrittenChannel>;
  /** Ancestors to build upon instead of the parent, which does not store the channel. */
  readonly earlier: ReadonlyMap<string, CheckpointRecord>;
}

/**
 * Plans how a checkpoint's channels are stored: as what they add to the parent's. Channels that are
 * as the parent has them keep its manifest.
 *
 * @throws UnserializableStateError if a value could not come back as it is
 */
export async function encodeState(
  context: SaverContext,
  state: StateToEncode,
): Promise<EncodedState> {
  const { cache } = context;
  const changes = await listChanges(context, state);
  const readAnew = new Set<ContentHash>();
  for (;;) {
    const encoded = await encodeOnce(context, state, changes);
    const presumed = listPresumed(encoded, state).filter((root) => !readAnew.has(root));
    if (presumed.length === 0) return encoded;
    // What the cache knows of them may be of an earlier life of the thread.
    for (const root of presumed) {
      cache.forgetSegment(state.threadId, root);
      readAnew.add(root);
    }
  }
}

/** Segments that a state takes for stored, though its parent does not name them. */
function listPresumed(encoded: EncodedState, state: StateToEncode): ContentHash[] {
  const { manifest, segments, builtUpon } = encoded;
  const known = new Set([...listStored(state, builtUpon), ...segments.map(({ id }) => id)]);
  const presumed = listSegments(manifest).filter((id) => !known.has(id));
  return presumed.map((id) => parseSegmentId(id).root);
}

function listStored(state: StateToEncode, builtUpon: readonly CheckpointRecord[]): SegmentId[] {
  const parent = parentOf(state);
  const records = parent === undefined ? builtUpon : [parent, ...builtUpon];
  return records.flatMap(({ manifest }) => listSegments(manifest));
}

function parentOf({ parent }: StateToEncode): CheckpointRecord | undefined {
  return parent === "missing" ? undefined : parent;
}

async function listChanges(context: SaverContext, state: StateToEncode): Promise<Changes> {
  const { snapshot } = state;
  const parent = parentOf(state);
  const changed = new Map<string, WrittenChannel>();
  const earlier = new Map<string, CheckpointRecord>();
  for (const channel of snapshot.channels) {
    if (!snapshot.mayDiffer(channel, state.parent)) continue;
    const written = await snapshot.read(channel);
    if (isAsStored(written, parent?.manifest.get(channel))) continue;
    changed.set(channel, written);
    if (!isDeltaSnapshot(written) || parent === undefined || parent.manifest.has(channel)) continue;
    const found = await findEarlier(context, parent, channel, state.thread);
    if (found !== undefined) earlier.set(channel, found);
  }
  return { written: changed, earlier };
}

function isDeltaSnapshot(written: WrittenChannel): boolean {
  return "wrapper" in written && written.wrapper === "delta";
}

async function encodeOnce(
  context: SaverContext,
  state: StateToEncode,
  changes: Changes,
): Promise<EncodedState> {
  const { snapshot } = state;
  const parent = parentOf(state);
  const holderOf = (channel: string) => changes.earlier.get(channel) ?? parent;
  const storedBefore = (channel: string) => holderOf(channel)?.manifest.get(channel);
  const contents = await loadReusable(context, changes.written.keys(), holderOf);
  const manifest = new Map<string, ChannelManifest>();
  const segments = new Map<SegmentId, Segment>();
  /** The segments that this state makes or appends to, as they are known once it is stored. */
  const made = new Map<ContentHash, KnownSegment>();
  const findKnown = (id: SegmentId) => {
    const own = made.get(parseSegmentId(id).root);
    const stored = contents.known(id);
    // A new value can start with the same items as a stored segment that has since grown.
    return own === undefined || (stored?.appends ?? 0) > own.appends ? stored : own;
  };
  for (const channel of snapshot.channels) {
    const before = storedBefore(channel);
    const written = changes.written.get(channel);
    if (written !== undefined) {
      const encoded = await context.serializer.planChannel(channel, written, before, findKnown);
      manifest.set(channel, encoded.manifest);
      for (const segment of encoded.segments) {
        segments.set(segment.id, segment);
        if ("lines" in segment.known) made.set(segment.known.root, segment.known);
      }
    } else if (before !== undefined) {
      manifest.set(channel, before);
    }
  }
  const builtUpon = [...changes.earlier.values()];
  const stored = new Set(listStored(state, builtUpon));
  return {
    manifest,
    segments: [...segments.values()].filter((segment) => !stored.has(segment.id)),
    builtUpon,
  };
}

/** The stored segments that the channels to encode may build upon. */
async function loadReusable(
  context: SaverContext,
  channels: Iterable<string>,
  holderOf: (channel: string) => CheckpointRecord | undefined,
): Promise<Contents> {
  const wanted = Array.from(channels).flatMap((channel) => {
    const holder = holderOf(channel);
    if (holder === undefined) return [];
    const slices = listReusable(holder.manifest.get(channel));
    const lines = slices.map(({ segment }) => segment);
    return lines.length === 0 ? [] : [{ address: holder.address, lines, bytes: [] }];
  });
  return loadContents(context, wanted);
}
