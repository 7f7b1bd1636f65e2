import type { Document } from "mongodb";
import type { StoredBytes } from "../driver/binary.ts";
import type { Store } from "./store.ts";

/** A document of any kind, unread. */
export interface AnyDocument extends Document {
  readonly _id: StoredBytes;
}

/** Reads documents by their `_id`, whatever else they say they are. */
export function findByIds({ all }: Store, ids: readonly StoredBytes[]): Promise<AnyDocument[]> {
  return all.find<AnyDocument>({ _id: { $in: ids as never[] } }).toArray();
}
