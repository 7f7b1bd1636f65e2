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
import type { Snapshot } from "./snapshot.ts";
import { isAsStored, type WrittenChannel } from "./value-writer.ts";

/** A state as manifest, and the segments, or what is appended to them, that are not stored yet. */
export interface EncodedState {
  readonly manifest: Manifest;
  readonly segments: readonly Segment[];
}

/** What a state is encoded for. */
export interface StateToEncode {
  readonly threadId: string;
  readonly snapshot: Snapshot;
  /** The checkpoint it is a child of; `"missing"` if there should be one but it is not stored. */
  readonly parent: CheckpointRecord | "missing" | undefined;
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
  const { snapshot } = state;
  const parent = state.parent === "missing" ? undefined : state.parent;
  const changed = new Map<string, WrittenChannel>();
  for (const channel of snapshot.channels) {
    if (!snapshot.mayDiffer(channel, state.parent)) continue;
    const written = await snapshot.read(channel);
    if (!isAsStored(written, parent?.manifest.get(channel))) changed.set(channel, written);
  }
  const contents = await loadReusable(context, parent, changed.keys());
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
  for (const channel of snapshot.channels) {
    const before = parent?.manifest.get(channel);
    const written = changed.get(channel);
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
  const stored = new Set(listStored(state));
  return {
    manifest,
    segments: [...segments.values()].filter((segment) => !stored.has(segment.id)),
  };
}

/** The parent's segments that the channels to encode may build upon. */
async function loadReusable(
  context: SaverContext,
  parent: CheckpointRecord | undefined,
  channels: Iterable<string>,
): Promise<Contents> {
  if (parent === undefined) return loadContents(context, []);
  const { address, manifest } = parent;
  const slices = Array.from(channels, (channel) => listReusable(manifest.get(channel)));
  const lines = slices.flat().map(({ segment }) => segment);
  return loadContents(context, [{ address, lines, bytes: [] }]);
}
