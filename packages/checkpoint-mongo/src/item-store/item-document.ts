import type { Document, ObjectId } from "mongodb";

/** The fields of this package in an item, beside those of the official store. They lie under one field. */
export interface OwnFields {
  /** The value as text, if BSON cannot hold it as it is. */
  readonly exact?: string;
  /** Fingerprint of the `value` that the text belongs to. */
  readonly of?: string;
  /** Fingerprint of the text. */
  readonly sum?: string;
  /** The item's own TTL in milliseconds, if it was put with one; 0 if it does not expire. */
  readonly ttlMs?: number;
}

/** The document of an item, as both stores write it. */
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

/** The fields that an item is read from. */
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
 * The condition for items that have not expired, by the server's clock. The `$or` is inside the expression,
 * because FerretDB refuses `$$NOW` where it could use the index on the expiry.
 */
export const IS_ALIVE = {
  $expr: { $or: [{ $gt: ["$expiresAt", "$$NOW"] }, { $lte: ["$expiresAt", null] }] },
} as const;
