import type { CheckpointAddress } from "../address/address.ts";
import type { CheckpointDocument, WriteSetDocument } from "../documents/documents.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { type Corruption, asMissing, asWrongField } from "../errors/corruption.ts";
import { hashWritesPlace } from "../integrity/hashes.ts";
import { bytesToHex, isBinary } from "../driver/binary.ts";
import { toMark } from "../store/mark-sets.ts";

/** What a checkpoint says of documents beside it. */
export interface Witness {
  /** Sets of its pending writes that were stored; only with the option `witness`. */
  readonly sets: unknown;
  /** The place of the checkpoint that came after it, where this one is marked as the latest. */
  readonly next: unknown;
}

/** What a document says of others; undefined if it says nothing. */
export function readWitness({ sets, next, head }: CheckpointDocument): Witness | undefined {
  const later = head === true ? next : undefined;
  return sets === undefined && later === undefined ? undefined : { sets, next: later };
}

/**
 * Finds what a checkpoint says is there and is not.
 *
 * @param writes all sets of its pending writes that are stored, read after the checkpoint
 */
export function findMissing(
  address: CheckpointAddress,
  { sets, next }: Witness,
  writes: readonly Pick<WriteSetDocument, "task_id" | "idx">[],
): Corruption | undefined {
  if (next !== undefined) {
    return {
      document: "checkpoint",
      which: "that is the latest",
      ...asMissing(
        `the mark on the earlier ${address.checkpointId}`,
        `it to stand in ${typeof next === "number" ? `place ${next}` : "a later place"}`,
      ),
    };
  }
  if (sets === undefined) return undefined;
  if (!Array.isArray(sets) || !sets.every(isBinary)) {
    return {
      document: "checkpoint",
      which: address.checkpointId,
      ...asWrongField({
        field: "sets",
        expected: "a list of its sets of pending writes",
        found: "something else",
      }),
    };
  }
  const there = new Set(
    writes.map(({ task_id, idx }) => toHex(toMark(hashWritesPlace(address, task_id, idx)))),
  );
  const lost = sets.map(bytesToHex).find((mark) => !there.has(mark));
  if (lost === undefined) return undefined;
  return {
    document: "write",
    which: `set ${lost} (${sets.length} were stored)`,
    ...asMissing(),
  };
}

/**
 * Verifies that what a checkpoint names is there.
 *
 * @throws CorruptCheckpointError if something is missing
 */
export function assertWitnessed(
  address: CheckpointAddress,
  witness: Witness | undefined,
  writes: readonly WriteSetDocument[],
): void {
  const corruption = witness && findMissing(address, witness, writes);
  if (corruption !== undefined) throw new CorruptCheckpointError(address, corruption);
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
