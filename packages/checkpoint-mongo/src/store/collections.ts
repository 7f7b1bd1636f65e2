import type { Collection, Db, MongoClient } from "mongodb";
import type {
  CheckpointDocument,
  SegmentDocument,
  ThreadDocument,
  WriteSetDocument,
} from "../documents/index.ts";
import { openCollection, type BinaryClass } from "../driver/index.ts";

/** The collections that hold a thread's documents. */
export type CollectionKind = "threads" | "checkpoints" | "segments" | "writes";

/** The collections of one saver. */
export interface Collections {
  readonly client: MongoClient;
  readonly db: Db;
  readonly Binary: BinaryClass;
  readonly threads: Collection<ThreadDocument>;
  readonly checkpoints: Collection<CheckpointDocument>;
  readonly segments: Collection<SegmentDocument>;
  readonly writes: Collection<WriteSetDocument>;
}

/** The collections whose names begin with a prefix. */
export function openCollections(
  { client, db, Binary }: Pick<Collections, "client" | "db" | "Binary">,
  prefix: string,
): Collections {
  return {
    client,
    db,
    Binary,
    threads: openCollection(db, `${prefix}threads`),
    checkpoints: openCollection(db, `${prefix}checkpoints`),
    segments: openCollection(db, `${prefix}segments`),
    writes: openCollection(db, `${prefix}writes`),
  };
}
