import type { Document, Filter, UpdateFilter } from "mongodb";
import { randomBytes } from "node:crypto";
import { matchRecord, type ThreadState } from "./thread-record.ts";

// A removal frees places in the order of a namespace. A process that takes an earlier checkpoint for the latest must
// not get one of them: what it puts would not be the latest. So a removal first leaves its name in the thread's record,
// and the fences of a put ask for the name that this process read before it read the latest checkpoint.

/** What a removal is called: no other one is called so. */
export function createRemovalName(): string {
  return randomBytes(6).toString("base64url");
}

/** A removal of checkpoints of a thread. */
export interface Removal extends Pick<ThreadState, "threadId" | "epoch"> {
  readonly name: string;
}

/** The update that names a removal in the record of its thread. It comes before the removal. */
export function announceRemoval({ threadId, epoch, name }: Removal): {
  readonly filter: Filter<Document>;
  readonly update: UpdateFilter<Document>;
} {
  return {
    filter: { ...matchRecord(threadId), epoch } as Filter<Document>,
    update: { $set: { removal: name } },
  };
}
