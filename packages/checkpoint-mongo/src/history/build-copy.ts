import { emptyCheckpoint, type CheckpointMetadata } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import { writeHeader, type CheckpointHeader } from "../codec/checkpoints/checkpoint-text.ts";
import type { SaverContext } from "../context/context.ts";
import { isPlainObject } from "../codec/values/plain-data.ts";
import { buildCheckpoint, type BuiltCheckpoint } from "../put/build-checkpoint.ts";
import { writeMetadata } from "../put/snapshot.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import type { FencedThread } from "../store/fenced-thread.ts";
import type { Target } from "./find-target.ts";

/** Where a copy goes. */
export interface CopyPlace {
  readonly thread: FencedThread;
  readonly address: CheckpointAddress;
  /** In the order of its namespace. */
  readonly seq: number;
}

/**
 * Copies a checkpoint as LangGraph does (`updateState` as `__copy__`): with the same parent, the source
 * `"fork"`, the next step, and without pending writes. Its contents are named, not stored again.
 */
export async function buildCopy(
  context: SaverContext,
  { document, record }: Target,
  { thread, address, seq }: CopyPlace,
): Promise<BuiltCheckpoint> {
  const former = await decodeMetadata(record, context);
  const metadata = isPlainObject(former) ? former : {};
  const step = metadata["step"];
  const copied = {
    ...metadata,
    source: "fork",
    ...(typeof step === "number" && { step: step + 1 }),
  };
  const header = { ...record.header, ts: new Date(context.store.estimateTime()).toISOString() };
  const built = await build(context, header, copied as CheckpointMetadata, {
    thread,
    address,
    seq,
    source: record,
  });
  if (document.cut === undefined) return built;
  return markAsCut(context, built, thread.epoch);
}

/** Builds the checkpoint of a graph that has not run yet. */
export async function buildBlank(
  context: SaverContext,
  rootId: string,
  place: CopyPlace,
): Promise<BuiltCheckpoint> {
  const { id: _id, channel_values: _values, ...header } = emptyCheckpoint();
  const ts = new Date(context.store.estimateTime()).toISOString();
  // As LangGraph begins where nothing is stored.
  const metadata = { source: "fork", step: -2, parents: { "": rootId } } as const;
  return build(context, { ...header, ts }, metadata, { ...place, source: undefined });
}

async function build(
  context: SaverContext,
  header: CheckpointHeader,
  metadata: CheckpointMetadata,
  { thread, address, seq, source }: CopyPlace & { readonly source: Target["record"] | undefined },
): Promise<BuiltCheckpoint> {
  const written = await writeMetadata(context.serializer.createWriter(), metadata);
  return buildCheckpoint(
    context,
    { address, snapshot: { header, headerText: writeHeader(header) } },
    {
      parentCheckpointId: source?.parentCheckpointId,
      parentHash: source?.parentHash,
      metadata: written,
      // No run has put it.
      origin: { runId: undefined, config: source?.origin.config ?? [] },
      state: { manifest: source?.manifest ?? new Map() },
      sizes: source?.sizes,
    },
    { thread, seq, keyName: context.hasher.keyName },
  );
}

/** The parent of what was copied was pruned, and so is the copy's. */
function markAsCut(
  { hasher }: SaverContext,
  { document, record }: BuiltCheckpoint,
  epoch: number,
): BuiltCheckpoint {
  const { address, hash } = record;
  const cut = hasher.hashCut({ address, epoch, keyName: hasher.keyName, hash });
  return { document: { ...document, cut }, record };
}
