import type { Document, Filter } from "mongodb";
import type { AddressFilter } from "../address/address.ts";

/** Which checkpoints to list, of this saver's or of the official saver's. */
export interface ListedAddress {
  readonly address: AddressFilter;
  /** Only checkpoints with a smaller id. */
  readonly beforeId: string | undefined;
}

/** Finds the checkpoints to list, in either saver's collection: both name these fields alike. */
export function matchListed({ address, beforeId }: ListedAddress): Filter<Document> {
  const { threadId, checkpointNs, checkpointId } = address;
  const ids = {
    ...(checkpointId !== undefined && { $eq: checkpointId }),
    ...(beforeId !== undefined && { $lt: beforeId }),
  };
  return {
    ...(threadId !== undefined && { thread_id: threadId }),
    ...(checkpointNs !== undefined && { checkpoint_ns: checkpointNs }),
    ...(Object.keys(ids).length > 0 && { checkpoint_id: ids }),
  };
}
