import {
  ReadConcern,
  type Collection,
  type Db,
  type MongoClient,
  type WriteConcernSettings,
} from "mongodb";
import type {
  CheckpointDocument,
  SegmentDocument,
  ThreadDocument,
  WriteSetDocument,
} from "../documents/index.ts";

/** The collections that hold a thread's documents. */
export type CollectionKind = "threads" | "checkpoints" | "segments" | "writes";

/** The collections of one saver. */
export interface Collections {
  readonly client: MongoClient;
  readonly db: Db;
  readonly threads: Collection<ThreadDocument>;
  readonly checkpoints: Collection<CheckpointDocument>;
  readonly segments: Collection<SegmentDocument>;
  readonly writes: Collection<WriteSetDocument>;
}

/** A write counts as done when a majority of the replica set has it in the journal. */
export const DURABLE: WriteConcernSettings = { w: "majority", journal: true };

/**
 * Opens the collections. Reads go to the primary and see only what a majority has, so that nothing
 * is resumed from that a failover could take back.
 */
export function openCollections(
  client: MongoClient,
  dbName: string | undefined,
  prefix: string,
): Collections {
  const db = client.db(dbName, {
    readPreference: "primary",
    readConcern: new ReadConcern("majority"),
    writeConcern: DURABLE,
    ignoreUndefined: true,
  });
  return {
    client,
    db,
    threads: db.collection(`${prefix}threads`),
    checkpoints: db.collection(`${prefix}checkpoints`),
    segments: db.collection(`${prefix}segments`),
    writes: db.collection(`${prefix}writes`),
  };
}
