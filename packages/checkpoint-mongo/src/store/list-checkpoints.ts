import type { Document, Filter, FindCursor } from "mongodb";
import type { CheckpointDocument } from "../documents/documents.ts";
import { type ListedAddress, matchListed } from "./match-listed.ts";
import type { Store } from "./store.ts";

/** Checkpoints read with one command. */
export const PAGE_SIZE = 100;

/** Which checkpoints to list. */
export interface ListQuery extends ListedAddress {
  /** What the searchable copy of the metadata must hold, by path. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What stands for encrypted metadata that it must have; see `tokens` of its document. */
  readonly tokens: readonly string[];
  /** Conditions, of each of which a checkpoint must meet one alternative, if any is given. */
  readonly alternatives: readonly (readonly Filter<Document>[])[];
  /** At most so many; undefined for all. */
  readonly limit: number | undefined;
}

/**
 * Lists checkpoints, newest first: in one namespace by their order, across namespaces and threads
 * by their ids.
 */
export function listCheckpoints(
  store: Store,
  { address, beforeId, metadata, tokens, alternatives, limit }: ListQuery,
): FindCursor<CheckpointDocument> {
  const filter: Filter<Document> = { kind: "checkpoint", ...matchListed({ address, beforeId }) };
  for (const [key, value] of Object.entries(metadata)) {
    filter[`metadata.${key}`] = { $eq: value };
  }
  if (tokens.length > 0) filter["tokens"] = { $all: [...tokens] };
  const known = alternatives.filter((any) => any.length > 0);
  if (known.length > 0) filter.$and = known.map((any) => ({ $or: [...any] }));
  const inOneNamespace = address.threadId !== undefined && address.checkpointNs !== undefined;
  return store.checkpoints.find(filter as Filter<CheckpointDocument>, {
    sort: inOneNamespace ? { seq: -1 } : { checkpoint_id: -1 },
    batchSize: PAGE_SIZE,
    limit: limit ?? 0,
  });
}

/** Reads the checkpoints of one namespace that come before a place in the order, newest first. */
export async function findAncestors(
  store: Store,
  place: Pick<CheckpointDocument, "thread_id" | "checkpoint_ns" | "seq">,
  limit: number,
): Promise<CheckpointDocument[]> {
  return store.checkpoints
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
