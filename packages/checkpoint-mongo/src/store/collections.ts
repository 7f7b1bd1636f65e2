import type { Collection, Db, Document } from "mongodb";
import type {
  CheckpointDocument,
  SegmentDocument,
  ThreadDocument,
  WriteSetDocument,
} from "../documents/documents.ts";
import { openCollection } from "../driver/open-database.ts";
import type { BinaryClass } from "../driver/binary-class.ts";
import type { ServerClock } from "../driver/server-clock.ts";
import type { CommitQueue } from "./group-commit.ts";

/**
 * The collection of a saver, as each kind of document sees it. All of a thread's documents lie in one
 * collection, because one command writes to one collection only, and a step is one command. Every
 * filter names the kind, or a field that only one kind has.
 */
export interface Collections {
  readonly db: Db;
  readonly Binary: BinaryClass;
  /** Documents of every kind. */
  readonly all: Collection;
  readonly threads: Collection<ThreadDocument>;
  readonly checkpoints: Collection<CheckpointDocument>;
  readonly segments: Collection<SegmentDocument>;
  readonly writes: Collection<WriteSetDocument>;
  /** Where all writes of steps go through. */
  readonly commits: CommitQueue;
  /** The server's, by which threads expire. */
  readonly clock: ServerClock;
}

/** Opens the collection of a name. */
export function openCollections(
  { db, Binary, commits, clock }: Pick<Collections, "db" | "Binary" | "commits" | "clock">,
  name: string,
): Collections {
  const all = openCollection(db, name);
  // One object for all kinds: each would take memory, and every request may make a saver.
  const ofKind = <T extends Document>() => all as unknown as Collection<T>;
  return {
    db,
    Binary,
    all,
    threads: ofKind(),
    checkpoints: ofKind(),
    segments: ofKind(),
    writes: ofKind(),
    commits,
    clock,
  };
}
