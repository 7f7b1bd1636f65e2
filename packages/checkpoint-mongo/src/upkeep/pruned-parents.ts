import type { CheckpointDocument } from "../documents/documents.ts";
import { isBinary, toBytes } from "../driver/binary.ts";
import type { Hasher } from "../integrity/hashes.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";

// A checkpoint whose parent is missing is damage, unless the parent was pruned. A prune marks the children that
// it knows of with `cut`. A process that has a pruned checkpoint in memory may put a child of it later. Such a
// child stands behind all that the prune knew of, and no place behind the pruned ones is empty.

/** What the marks of prunes on a checkpoint say. */
export interface PruneMarks {
  /** Whether its parent was pruned. */
  readonly isCut: boolean;
  /** The last place that was pruned, if it was the latest checkpoint that stayed then. */
  readonly prunedThrough: number | undefined;
  /** The place that it had then: a rollback may have moved it since. */
  readonly markedAt: number;
  /** The places that it had before rollbacks. */
  readonly movedFrom: readonly number[];
}

/** A checkpoint with its place in the order of its namespace. */
export interface PlacedMarks extends PruneMarks {
  readonly seq: number;
}

/** Reads the marks of prunes. Those that are not as a prune has written them do not count. */
export function readPruneMarks(
  {
    cut,
    pruned,
    moved_from: movedFrom = [],
    key_name: keyName,
  }: Pick<CheckpointDocument, "cut" | "pruned" | "moved_from" | "key_name">,
  { address, epoch, seq, hash }: Pick<CheckpointRecord, "address" | "epoch" | "seq" | "hash">,
  hasher: Hasher,
): PruneMarks {
  const mark: { readonly through?: unknown; readonly proof?: unknown } = { ...pruned };
  const { through, proof } = mark;
  const markedAt =
    typeof through === "number"
      ? [seq, ...movedFrom].find((place) =>
          isSame(proof, () => hasher.hashPruned({ address, epoch, keyName, seq: place, through })),
        )
      : undefined;
  return {
    isCut: isSame(cut, () => hasher.hashCut({ address, epoch, keyName, hash })),
    prunedThrough: markedAt === undefined ? undefined : (through as number),
    markedAt: markedAt ?? seq,
    movedFrom,
  };
}

/**
 * Whether a checkpoint was put as a child of one that had been pruned.
 *
 * @param own all of its namespace
 */
export function isLateChild({ seq }: PlacedMarks, own: readonly PlacedMarks[]): boolean {
  const places = Array.from(new Set(own.flatMap((other) => [other.seq, ...other.movedFrom])));
  return own.some(({ markedAt, prunedThrough: through }) => {
    if (through === undefined || markedAt >= seq) return false;
    // Where the latest were removed, their places are taken again.
    const last = seq > through ? through : markedAt;
    const between = places.filter((place) => place > last && place < seq);
    return between.length >= seq - last - 1;
  });
}

function isSame(stored: unknown, hash: () => Uint8Array): boolean {
  return isBinary(stored) && Buffer.compare(toBytes(stored), hash()) === 0;
}
