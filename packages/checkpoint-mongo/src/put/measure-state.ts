import type { CheckpointAddress } from "../address/address.ts";
import { replayInPieces } from "../codec/items/map-entries.ts";
import type { SaverContext } from "../context/context.ts";
import type { ChannelManifest, Manifest } from "../documents/manifest.ts";
import type { SegmentId } from "../documents/segment-id.ts";
import { breather, ITEM_WORK } from "../event-loop/breather.ts";
import { loadContents, type Contents } from "../read/contents.ts";
import { listManifestSegments } from "../read/read-tuple.ts";
import type { ChannelSizes, CheckpointRecord } from "../records/checkpoint-record.ts";
import type { WrittenChannel } from "../records/value-writer.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Measures the channels of a checkpoint. The size of a channel that is as in the parent is taken from
 * the parent. If this process has not measured it yet, the channel is read.
 */
export async function measureState(
  context: Pick<SaverContext, "store" | "cache" | "settings">,
  snapshot: Snapshot,
  manifest: Manifest,
  parent: CheckpointRecord | "missing" | undefined,
  address: CheckpointAddress,
): Promise<ChannelSizes> {
  const sizes = new Map<string, number>();
  const unknown = new Map<string, ChannelManifest>();
  for (const [channel, stored] of manifest) {
    const isKept = parent !== "missing" && parent?.manifest.get(channel) === stored;
    const known = isKept ? parent.sizes?.get(channel) : undefined;
    if (known !== undefined) {
      sizes.set(channel, known);
    } else if (snapshot.mayDiffer(channel, parent)) {
      sizes.set(channel, await measureWritten(await snapshot.read(channel)));
    } else {
      unknown.set(channel, stored);
    }
  }
  const contents = await loadContents(context, [{ address, ...listManifestSegments(unknown) }]);
  for (const [channel, stored] of unknown) {
    sizes.set(channel, await measureStored(stored, contents));
  }
  return sizes;
}

async function measureWritten(written: WrittenChannel): Promise<number> {
  switch (written.kind) {
    case "list":
      return measureLines(written.lines);
    case "map":
      return measureLines(written.entries.values());
    case "text":
      return measureLines(written.chunks);
    case "value":
      return Buffer.byteLength(written.text);
    case "typed":
      return written.value.bytes.byteLength;
  }
}

async function measureStored(manifest: ChannelManifest, contents: Contents): Promise<number> {
  if (manifest.kind === "inline") return Buffer.byteLength(manifest.text);
  const linesOf = (id: SegmentId) => contents.lines(id) ?? [];
  if (manifest.kind === "value") return measureLines(linesOf(manifest.segment));
  if (manifest.kind === "typed") return contents.bytes(manifest.segment)?.byteLength ?? 0;
  const lines = manifest.slices.flatMap(({ segment, from, to }) =>
    linesOf(segment).slice(from, to),
  );
  return measureLines(manifest.kind === "map" ? (await replayInPieces(lines)).values() : lines);
}

async function measureLines(lines: Iterable<string>): Promise<number> {
  let bytes = 0;
  for (const line of lines) {
    bytes += Buffer.byteLength(line);
    if (breather.isDue(ITEM_WORK + line.length)) await breather.rest();
  }
  return bytes;
}
