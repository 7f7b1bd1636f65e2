import type {
  ChannelVersions,
  Checkpoint,
  CheckpointMetadata,
} from "@langchain/langgraph-checkpoint";
import { listReusable, type KnownSegment, type Segment } from "../codec/index.ts";
import {
  listSegments,
  parseSegmentId,
  type ChannelManifest,
  type ContentHash,
  type Manifest,
  type SegmentId,
} from "../documents/index.ts";
import type { CheckpointRecord } from "./checkpoint-record.ts";
import { loadContents, type Contents } from "./contents.ts";
import type { SaverContext } from "./context.ts";

/** A state as manifest, and the segments, or what is appended to them, that are not stored yet. */
export interface EncodedState {
  readonly manifest: Manifest;
  readonly segments: readonly Segment[];
}

/** What a state is encoded for. */
export interface StateToEncode {
  readonly threadId: string;
  readonly checkpoint: Checkpoint;
  readonly metadata: CheckpointMetadata;
  readonly newVersions: ChannelVersions;
  /** The checkpoint it is a child of; `"missing"` if there should be one but it is not stored. */
  readonly parent: CheckpointRecord | "missing" | undefined;
}

/**
 * Encodes a checkpoint's channels as what they add to the parent's. Channels that did not change
 * since the parent keep its manifest and are not encoded.
 *
 * @throws UnserializableStateError if a value could not come back as it is
 */
export async function encodeState(
  context: SaverContext,
  state: StateToEncode,
): Promise<EncodedState> {
  const { cache } = context;
  const readAnew = new Set<ContentHash>();
  for (;;) {
    const encoded = await encodeOnce(context, state);
    const presumed = listPresumed(encoded, state).filter((root) => !readAnew.has(root));
    if (presumed.length === 0) return encoded;
    // What the cache knows of them may be of an earlier life of the thread.
    for (const root of presumed) {
      cache.forgetSegment(state.threadId, root);
      readAnew.add(root);
    }
  }
}

/** Segments to which a state takes its items to have been appended already, though not by its parent. */
function listPresumed({ manifest, segments }: EncodedState, state: StateToEncode): ContentHash[] {
  const known = new Set([...listStored(state), ...segments.map(({ id }) => id)]);
  const presumed = listSegments(manifest).filter((id) => !known.has(id));
  return presumed.map((id) => parseSegmentId(id).root);
}

function listStored({ parent }: StateToEncode): SegmentId[] {
  return parent === undefined || parent === "missing" ? [] : listSegments(parent.manifest);
}

async function encodeOnce(context: SaverContext, state: StateToEncode): Promise<EncodedState> {
  const parent = state.parent === "missing" ? undefined : state.parent;
  const values = Object.entries(state.checkpoint.channel_values);
  const changed = new Set(
    values.map(([channel]) => channel).filter((channel) => mayHaveChanged(channel, state)),
  );
  const contents = await loadReusable(context, state.threadId, parent, changed);
  const manifest = new Map<string, ChannelManifest>();
  const segments = new Map<SegmentId, Segment>();
  /** What is known of the segments that this state makes or appends to, once it is stored. */
  const made = new Map<ContentHash, KnownSegment>();
  const findKnown = (id: SegmentId) => {
    const own = made.get(parseSegmentId(id).root);
    const stored = contents.known(id);
    // A channel may begin anew with what a stored segment began with, which goes on by now.
    return own === undefined || (stored?.appends ?? 0) > own.appends ? stored : own;
  };
  for (const [channel, value] of values) {
    const before = parent?.manifest.get(channel);
    if (changed.has(channel)) {
      const encoded = await context.serializer.encodeChannel(channel, value, before, findKnown);
      manifest.set(channel, encoded.manifest);
      for (const segment of encoded.segments) {
        segments.set(segment.id, segment);
        if ("lines" in segment.known) made.set(segment.known.root, segment.known);
      }
    } else if (before !== undefined) {
      manifest.set(channel, before);
    }
  }
  const stored = new Set(listStored(state));
  return {
    manifest,
    segments: [...segments.values()].filter((segment) => !stored.has(segment.id)),
  };
}

/** The parent's segments that the channels to encode may build upon. */
async function loadReusable(
  { collections, cache }: SaverContext,
  threadId: string,
  parent: CheckpointRecord | undefined,
  channels: ReadonlySet<string>,
): Promise<Contents> {
  const slices = Array.from(channels, (channel) => listReusable(parent?.manifest.get(channel)));
  const lines = slices.flat().map(({ segment }) => segment);
  return loadContents(collections, cache, [{ threadId, lines, bytes: [] }]);
}

function mayHaveChanged(channel: string, state: StateToEncode): boolean {
  const { checkpoint, metadata, newVersions, parent } = state;
  if (Object.hasOwn(newVersions, channel) || mayUnderstate(metadata)) return true;
  // The first checkpoint of a thread holds just what newVersions names.
  if (parent === undefined) return false;
  return parent === "missing" || !isUnchanged(channel, checkpoint, parent);
}

/**
 * Whether newVersions may not name all that has changed: LangGraph names nothing for a copy, and for
 * an update it first applies pending writes without counting up the versions of their channels.
 */
function mayUnderstate({ source }: CheckpointMetadata): boolean {
  return source === "fork" || source === "update";
}

/**
 * Whether a channel that newVersions does not name is as in the parent. It is not where a
 * checkpoint is put under another parent than the one it was made from.
 */
function isUnchanged(channel: string, checkpoint: Checkpoint, parent: CheckpointRecord): boolean {
  return (
    parent.manifest.has(channel) &&
    checkpoint.channel_versions[channel] === parent.header.channel_versions[channel]
  );
}
