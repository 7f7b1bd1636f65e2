import type { CheckpointAddress } from "../address/address.ts";
import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument, DiscardedDocument } from "../documents/documents.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import { readRecord } from "../records/checkpoint-record.ts";
import { listNeeds, type Needs } from "../records/needs.ts";
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
    needs: listNeeds(record, metadata),
  };
}
