import type { CheckpointAddress } from "../address/address.ts";
import { isPlainObject } from "../codec/values/plain-data.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument, DiscardedDocument } from "../documents/documents.ts";
import type { Manifest } from "../documents/manifest.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { hashAddress } from "../integrity/hashes.ts";
import { readPruneMarks, type PruneMarks } from "../upkeep/pruned-parents.ts";

/** What pruning needs to know of a checkpoint. Its bytes are its own: those out of a reply would keep all of it. */
export interface PlannedCheckpoint extends PruneMarks {
  readonly id: Uint8Array;
  /** Whether a rollback has discarded it: it may come back. */
  readonly isAside: boolean;
  readonly address: CheckpointAddress;
  readonly seq: number;
  readonly epoch: number;
  readonly parentCheckpointId: string | undefined;
  /** Whether its hash covers that of a parent. */
  readonly hasParentHash: boolean;
  readonly hash: Uint8Array;
  readonly keyName: string | undefined;
  /** The run that put it, if that is known. */
  readonly runId: string | undefined;
  readonly writtenAtMs: number;
  readonly channels: ReadonlySet<string>;
  /** The ancestors that it cannot be read without. */
  readonly needs: Needs;
}

/**
 * Which ancestors a checkpoint needs: none, its parent, those back to where each of some channels is stored,
 * or all.
 */
export type Needs = "none" | "parent" | "all" | ReadonlySet<string>;

/**
 * Reads a checkpoint for pruning.
 *
 * @throws CorruptCheckpointError if it is damaged
 */
export async function readPlanned(
  context: Pick<SaverContext, "hasher" | "serializer">,
  stored: CheckpointDocument | DiscardedDocument,
): Promise<PlannedCheckpoint> {
  const { hasher } = context;
  const document = { ...stored, kind: "checkpoint" } as const;
  const record = readRecord(document, hasher);
  const { address, seq, epoch, parentCheckpointId, parentHash, header, manifest, hash } = record;
  const metadata = await decodeMetadata(record, context);
  return {
    id: hashAddress(address),
    isAside: stored.kind === "discarded",
    address,
    seq,
    epoch,
    parentCheckpointId,
    hasParentHash: parentHash !== undefined,
    hash,
    keyName: document.key_name,
    runId: record.origin.runId,
    ...readPruneMarks(document, record, hasher),
    writtenAtMs: Date.parse(header.ts),
    channels: new Set(manifest.keys()),
    needs: header.v < 4 ? "parent" : listNeeds(metadata, manifest),
  };
}

/**
 * A delta channel that a checkpoint does not store is made of what was written since it was stored. LangGraph
 * counts the steps since then, and leaves out the channels that a checkpoint stores.
 */
function listNeeds(metadata: unknown, stored: Manifest): Needs {
  if (!isPlainObject(metadata)) return "none";
  const counters = metadata["counters_since_delta_snapshot"];
  if (isPlainObject(counters)) {
    return new Set(Object.keys(counters).filter((channel) => !stored.has(channel)));
  }
  if (!Object.hasOwn(metadata, "delta_writes_versioned")) return "none";
  const hasSnapshot = Array.from(stored.values()).some(
    (channel) => "slices" in channel && channel.wrapper === "delta",
  );
  return hasSnapshot ? "none" : "all";
}
