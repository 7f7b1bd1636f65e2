import type { Document, Filter, FindCursor } from "mongodb";
import type { AddressFilter } from "../address/address.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import type { Collections } from "./collections.ts";

/** Checkpoints read with one command. */
export const PAGE_SIZE = 100;

/** Which checkpoints to list. */
export interface ListQuery {
  readonly address: AddressFilter;
  /** Only checkpoints with a smaller id. */
  readonly beforeId: string | undefined;
  /** What the searchable copy of the metadata must hold, by path. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** At most so many; undefined for all. */
  readonly limit: number | undefined;
}

/**
 * Lists checkpoints, newest first: in one namespace by their order, across namespaces and threads
 * by their ids.
 */
export function listCheckpoints(
  collections: Collections,
  { address, beforeId, metadata, limit }: ListQuery,
): FindCursor<CheckpointDocument> {
  const filter: Filter<Document> = { kind: "checkpoint" };
  if (address.threadId !== undefined) filter["thread_id"] = address.threadId;
  if (address.checkpointNs !== undefined) filter["checkpoint_ns"] = address.checkpointNs;
  const ids = {
    ...(address.checkpointId !== undefined && { $eq: address.checkpointId }),
    ...(beforeId !== undefined && { $lt: beforeId }),
  };
  if (Object.keys(ids).length > 0) filter["checkpoint_id"] = ids;
  for (const [key, value] of Object.entries(metadata)) {
    filter[`metadata.${key}`] = { $eq: value };
  }
  const inOneNamespace = address.threadId !== undefined && address.checkpointNs !== undefined;
  return collections.checkpoints.find(filter as Filter<CheckpointDocument>, {
    sort: inOneNamespace ? { seq: -1 } : { checkpoint_id: -1 },
    batchSize: PAGE_SIZE,
    limit: limit ?? 0,
  });
}

/** Reads the checkpoints of one namespace that come before a place in the order, newest first. */
export async function findAncestors(
  collections: Collections,
  place: Pick<CheckpointDocument, "thread_id" | "checkpoint_ns" | "seq">,
  limit: number,
): Promise<CheckpointDocument[]> {
  return collections.checkpoints
    .find({
      thread_id: place.thread_id,
      kind: "checkpoint",
      checkpoint_ns: place.checkpoint_ns,
      seq: { $lt: place.seq },
    })
    .sort({ seq: -1 })
    .limit(limit)
    .batchSize(limit)
    .toArray();
}
