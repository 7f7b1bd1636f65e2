import type { Document, Filter } from "mongodb";
import type { StoredRollback, ThreadDocument } from "../documents/documents.ts";
import type { ChainUpdate } from "./chain.ts";
import type { Store } from "./store.ts";
import { findRecord, matchRecord, type ThreadState } from "./thread-record.ts";

// A thread's record names the rollbacks that can be undone. It is read with each checkpoint, so they are few.

/** How many rollbacks of a thread can be undone, one after the other. */
const MAX_ROLLBACKS = 10;

/** A rollback with its name. */
export interface NamedRollback extends StoredRollback {
  readonly name: string;
}

/** The rollbacks of a thread that can be undone, the last one first. */
export function listRollbacks(
  { rollbacks = {} }: Pick<ThreadDocument, "rollbacks">,
  nowMs: number,
): readonly NamedRollback[] {
  return Object.entries(rollbacks)
    .map(([name, rollback]): NamedRollback => Object.assign({ name }, rollback))
    .filter(({ until }) => until instanceof Date && until.getTime() > nowMs)
    .toSorted((a, b) => b.at.getTime() - a.at.getTime() || (a.name < b.name ? 1 : -1));
}

/** The ids of the checkpoints of the root graph that rollbacks can be undone to. */
export function listBackups(
  record: Pick<ThreadDocument, "rollbacks">,
  nowMs: number,
): ReadonlySet<string> {
  return new Set(listRollbacks(record, nowMs).map(({ from }) => from));
}

/** Names a rollback in the record of its thread. The earliest go if there are too many. */
export function nameRollback(
  { threadId, epoch }: ThreadState,
  { name, ...rollback }: NamedRollback,
  others: readonly NamedRollback[],
): ChainUpdate {
  const gone = others.filter((other) => other.name !== name).slice(MAX_ROLLBACKS - 1);
  return {
    filter: ofLife(threadId, epoch),
    update: {
      $set: { [nameField(name)]: rollback },
      ...(gone.length > 0 && {
        $unset: Object.fromEntries(gone.map((other) => [nameField(other.name), ""])),
      }),
    },
    mustMatch: true,
  };
}

/** Takes the name of a rollback off the record. */
export function forgetRollback({ threadId, epoch }: ThreadState, name: string): ChainUpdate {
  return {
    filter: ofLife(threadId, epoch),
    update: { $unset: { [nameField(name)]: "" } },
    mustMatch: true,
  };
}

/** Says that everything is discarded that came after the checkpoint of a rollback, or nothing is to be. */
export async function endDiscarding(
  { threads }: Pick<Store, "threads">,
  { threadId, epoch }: ThreadState,
  name: string,
): Promise<void> {
  await threads.updateOne(
    { ...matchRecord(threadId), epoch },
    { $unset: { [`${nameField(name)}.discarding`]: "" } },
  );
}

/** Whether a rollback is still to discard what came after: it may have been undone meanwhile. */
export async function isDiscarding(
  store: Pick<Store, "threads">,
  { threadId, epoch }: ThreadState,
  name: string,
): Promise<boolean> {
  const record = await findRecord(store, threadId);
  return record?.epoch === epoch && record.rollbacks?.[name]?.discarding !== undefined;
}

/** Takes the names of rollbacks off the record that cannot be undone any more. */
export async function forgetRollbacks(
  { threads }: Pick<Store, "threads">,
  { threadId, epoch }: ThreadState,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  await threads.updateOne(
    { ...matchRecord(threadId), epoch },
    { $unset: Object.fromEntries(names.map((name) => [nameField(name), ""])) },
  );
}

/** The records of threads that were rolled back. */
export async function* scanRolledBack({
  threads,
}: Pick<Store, "threads">): AsyncGenerator<ThreadDocument> {
  // That every id is at least the empty one leads planners to the records' own index.
  yield* threads.find({ kind: "thread", thread_id: { $gte: "" }, rollbacks: { $exists: true } });
}

function ofLife(threadId: string, epoch: number): Filter<Document> {
  return { ...matchRecord(threadId), epoch } as Filter<Document>;
}

function nameField(name: string): string {
  return `rollbacks.${name}`;
}
