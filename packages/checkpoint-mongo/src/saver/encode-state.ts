import type {
  ChannelVersions,
  Checkpoint,
  CheckpointMetadata,
} from "@langchain/langgraph-checkpoint";
import type { Segment } from "../codec/index.ts";
import { listReusable } from "../codec/index.ts";
import type { ChannelManifest, Manifest, SegmentId } from "../documents/index.ts";
import { listSegments } from "../documents/index.ts";
import type { CheckpointRecord } from "./checkpoint-record.ts";
import { loadContents } from "./contents.ts";
import type { SaverContext } from "./context.ts";

/** A state as manifest, and the segments that are not stored yet. */
export interface EncodedState {
  readonly manifest: Manifest;
  readonly segments: readonly Segment[];
}

/**
 * Encodes a checkpoint's channels as what they add to the parent's. Channels that did not change
 * since the parent keep its manifest and are not encoded.
 *
 * @throws UnserializableStateError if a value could not come back as it is
 */
export async function encodeState(
  context: SaverContext,
  threadId: string,
  checkpoint: Checkpoint,
  metadata: CheckpointMetadata,
  newVersions: ChannelVersions,
  parent: CheckpointRecord | undefined,
  parentMissing: boolean,
): Promise<EncodedState> {
  const values = Object.entries(checkpoint.channel_values);
  const kept = new Map<string, ChannelManifest | undefined>();
  for (const [channel] of values) {
    if (Object.hasOwn(newVersions, channel) || mayUnderstate(metadata) || parentMissing) continue;
    if (parent === undefined) {
      // The first checkpoint of a thread holds just what newVersions names.
      kept.set(channel, undefined);
    } else if (isUnchanged(channel, checkpoint, parent)) {
      kept.set(channel, parent.manifest.get(channel));
    }
  }
  const encoded = values.filter(([channel]) => !kept.has(channel));
  const contents = await loadContents(context.collections, context.cache, [
    {
      threadId,
      lines: encoded.flatMap(([channel]) =>
        listReusable(parent?.manifest.get(channel)).map((slice) => slice.segment),
      ),
      bytes: [],
    },
  ]);
  const readLines = (id: SegmentId) => {
    const content = contents.get(id);
    return content !== undefined && "lines" in content ? content.lines : undefined;
  };
  const manifest = new Map<string, ChannelManifest>();
  const segments = new Map<SegmentId, Segment>();
  for (const [channel, value] of values) {
    if (kept.has(channel)) {
      const manifestOfParent = kept.get(channel);
      if (manifestOfParent !== undefined) manifest.set(channel, manifestOfParent);
      continue;
    }
    const result = await context.serializer.encodeChannel(
      channel,
      value,
      parent?.manifest.get(channel),
      readLines,
    );
    manifest.set(channel, result.manifest);
    for (const segment of result.segments) segments.set(segment.id, segment);
  }
  const stored = new Set(parent === undefined ? [] : listSegments(parent.manifest));
  return {
    manifest,
    segments: [...segments.values()].filter((segment) => !stored.has(segment.id)),
  };
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
