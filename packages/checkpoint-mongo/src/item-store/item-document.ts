import type { Document, ObjectId } from "mongodb";

/** What this package keeps of an item beside what the official store does; under one field. */
export interface OwnFields {
  /** The value as text, where BSON cannot hold it as it is. */
  readonly exact?: string;
  /** Fingerprint of the `value` that the text belongs to. */
  readonly of?: string;
  /** Fingerprint of the text. */
  readonly sum?: string;
  /** Milliseconds the item stays, where it was put with a TTL of its own; 0: it stays for good. */
  readonly ttlMs?: number;
}

/** An item as both stores keep it. */
export interface ItemDocument extends Document {
  readonly _id: ObjectId;
  readonly namespace: string[];
  readonly namespaceStr: string;
  readonly key: string;
  readonly value: unknown;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt?: Date;
  readonly namespacePath?: string[];
  readonly threadkeep?: OwnFields;
}

/** The fields an item is returned from. */
export const ITEM_FIELDS = {
  _id: 0,
  namespace: 1,
  namespaceStr: 1,
  key: 1,
  value: 1,
  createdAt: 1,
  updatedAt: 1,
  threadkeep: 1,
} as const;

/**
 * What an item is that has not expired, by the server's clock. FerretDB refuses `$$NOW` where it
 * could use the index on the expiry, as it could without the `$or` inside the expression.
 */
export const IS_ALIVE = {
  $expr: { $or: [{ $gt: ["$expiresAt", "$$NOW"] }, { $lte: ["$expiresAt", null] }] },
} as const;
