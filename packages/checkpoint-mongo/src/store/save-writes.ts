import type { Document, UpdateFilter } from "mongodb";
import type { CheckpointAddress } from "../address/address.ts";
import type { WriteSetDocument } from "../documents/documents.ts";
import type { ChainUpdate } from "./chain.ts";
import type { FencedThread, SubmitOptions } from "./fenced-thread.ts";
import { markSets, toMark } from "./mark-sets.ts";
import type { SegmentToStore } from "../documents/segment.ts";
import { saveAhead } from "./save-segments.ts";
import type { Store } from "./store.ts";
import { raiseStanding } from "./thread-entry.ts";

/** A set of pending writes but for what the thread's state adds. */
export type WriteSetToStore = Omit<WriteSetDocument, "_id" | "epoch" | "expires_at"> & {
  readonly _id: Uint8Array;
};

/** How saving sets of writes ended. Failures of the server are thrown. */
export type SaveWritesOutcome =
  | {
      readonly kind: "saved";
      /** The sets in whose place there was one already, which stayed as it was. */
      readonly kept: readonly WriteSetToStore[];
    }
  | { readonly kind: "conflict" };

/** What is saved along with sets of pending writes. */
export interface SaveWritesOptions extends Pick<SubmitOptions, "onSubmitted" | "move"> {
  /** The segments that hold those of their values that are too large for their documents. */
  readonly segments: readonly SegmentToStore[];
  /** The checkpoint, if it is to name the sets. */
  readonly namedBy: CheckpointAddress | undefined;
}

/**
 * Saves sets of pending writes of one task. A set of writes to ordinary channels that is there
 * already stays; one of a special channel is replaced.
 */
export async function saveWrites(
  thread: FencedThread,
  sets: readonly WriteSetToStore[],
  { segments, namedBy, onSubmitted, move }: SaveWritesOptions,
): Promise<SaveWritesOutcome> {
  const before = await saveAhead(thread, segments);
  if (before === undefined) return { kind: "conflict" };
  const claim = thread.claim();
  const updates = [
    ...before,
    // Only a set of writes names a checkpoint, so the kind need not be asked for.
    ...sets.map(({ _id, kind, thread_id, checkpoint, task_id, idx, ...content }) => ({
      filter: { checkpoint, thread_id, task_id, idx, ...unlessLater(content) },
      update:
        idx < 0
          ? {
              $set: { ...content, ...claim.$set },
              $max: claim.$max,
              $setOnInsert: { _id, kind },
              $unset: {
                ...claim.$unset,
                condemned_at: "",
                ...(content.task_path === undefined && { task_path: "" }),
                ...(content.key_name === undefined && { key_name: "" }),
              },
            }
          : keepOrInsert({ _id, kind, ...content }, thread),
      upsert: true,
      mustBeNew: idx >= 0,
    })),
    ...(namedBy === undefined
      ? []
      : [
          markSets(
            namedBy,
            sets.map(({ _id }) => toMark(_id)),
          ),
        ]),
    ...(move === undefined ? [] : [raiseStanding(move.checkpoint, move.stands)]),
  ];
  const outcome = await thread.write(updates, { onSubmitted, move });
  if (outcome.kind === "conflict") return outcome;
  const isKept = ({ idx }: WriteSetToStore, index: number) =>
    idx >= 0 && !outcome.inserted.has(before.length + index);
  return { kind: "saved", kept: sets.filter(isKept) };
}

/** A set that a later call has replaced is not found. Then the upsert collides with it, which is a conflict. */
function unlessLater({ called_at: calledAt }: Pick<WriteSetToStore, "called_at">): Document {
  return calledAt === undefined ? {} : { called_at: { $lte: calledAt } };
}

/**
 * Finds out when the latest call was made that has stored something in the places of sets. A time that is
 * none is mended: no call could come after it.
 *
 * @param sets of one task
 * @returns 0 if there is none
 */
export async function findLatestCall(
  { writes }: Pick<Store, "writes">,
  sets: readonly WriteSetToStore[],
): Promise<number> {
  const special = sets.filter(({ called_at: calledAt }) => calledAt !== undefined);
  const [first] = special;
  if (first === undefined) return 0;
  const { checkpoint, thread_id, task_id } = first;
  const found = await writes
    .find({ checkpoint, thread_id, task_id, idx: { $in: special.map(({ idx }) => idx) } })
    .project<{ readonly idx: number; readonly called_at?: unknown }>({ idx: 1, called_at: 1 })
    .toArray();
  let latest = 0;
  for (const { idx, called_at: calledAt } of found) {
    if (typeof calledAt === "number" && !Number.isNaN(calledAt)) {
      latest = Math.max(latest, calledAt);
    } else {
      await writes.updateOne({ checkpoint, thread_id, task_id, idx }, { $set: { called_at: 0 } });
    }
  }
  return latest;
}

/** Inserts a set as it is. */
export function insertWriteSet(
  thread: FencedThread,
  { checkpoint, thread_id, task_id, idx, ...content }: WriteSetToStore,
): ChainUpdate {
  return {
    filter: { checkpoint, thread_id, task_id, idx },
    update: keepOrInsert(content, thread),
    upsert: true,
  };
}

/**
 * A set that is there stays as it is, but expires with the thread. Its life stays too: if it is another
 * one, what the set holds was written to a thread that has ended.
 */
function keepOrInsert(content: object, { epoch, expiresAt }: FencedThread): UpdateFilter<Document> {
  return {
    $setOnInsert: { ...content, ...(epoch > 0 && { epoch }) },
    ...(expiresAt !== undefined && { $max: { expires_at: expiresAt } }),
    $unset: {
      condemned_at: "" as const,
      ...(expiresAt === undefined && { expires_at: "" as const }),
    },
  };
}

/** Removes sets that another life of the thread has left, unless they are other ones by now. */
export async function removeWriteSets(
  { writes }: Pick<Store, "writes">,
  sets: readonly Pick<WriteSetDocument, "_id" | "epoch">[],
): Promise<void> {
  for (const { _id, epoch } of sets) {
    await writes.deleteOne({ _id, epoch: (epoch ?? null) as number });
  }
}
