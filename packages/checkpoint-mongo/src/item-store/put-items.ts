import type { AnyBulkWriteOperation, Document } from "mongodb";
import { isDuplicateKeyError } from "../driver/server-errors.ts";
import { WriteConflictError } from "../errors/write-conflict-error.ts";
import { matchItem } from "./get-items.ts";
import {
  addressOf,
  hasSeparatorInLabel,
  mayBeShared,
  spellNamespace,
  type ItemAddress,
} from "./item-address.ts";
import { moveAside } from "./move-aside.ts";
import { listNamespacePath } from "./namespace-path.ts";
import type { ItemDocument } from "./item-document.ts";
import { HAS_EXPIRED, inMilliseconds, toTtlMs } from "./item-expiry.ts";
import type { PutRequest } from "./operations.ts";
import type { ResolvedStoreOptions } from "./options.ts";
import type { StoreContext } from "./store-context.ts";

/** The vectors of the puts that are embedded. */
export type Vectors = ReadonlyMap<PutRequest, readonly number[]>;

/** How often a put is tried if other writers create the same items at the same time. */
const ATTEMPTS = 5;

/**
 * Stores and deletes items with one command.
 *
 * @param puts at most one for each item
 */
export async function putItems(
  context: StoreContext,
  puts: readonly PutRequest[],
  vectors: Vectors,
): Promise<void> {
  const { items } = context;
  const stored = puts.filter(({ value }) => value !== undefined);
  if (stored.some((put) => expiryOf(put, context.options) !== undefined)) {
    await context.ensureExpiryIndex();
  }
  const startedMs = performance.now();
  let left = puts;
  for (let attempt = 1; ; attempt += 1) {
    const refused = await write(context, left, vectors);
    if (refused.length === 0) return;
    if (attempt === ATTEMPTS) throw conflict(refused, performance.now() - startedMs);
    await moveAside(items, refused);
    left = refused;
  }
}

/** @returns puts whose place in the unique index another item may hold */
async function write(
  context: StoreContext,
  puts: readonly PutRequest[],
  vectors: Vectors,
): Promise<readonly PutRequest[]> {
  const operations = puts.map((put) => toOperation(context, put, vectors.get(put)));
  const stored = puts.filter(({ value }) => value !== undefined);
  try {
    const result = await context.items.bulkWrite(operations, { ordered: false });
    const { modifiedCount, upsertedCount } = result;
    if (modifiedCount + upsertedCount === stored.length) return [];
  } catch (error) {
    // Two writers created the same item at once: the next attempt finds it.
    if (isDuplicateKeyError(error)) return stored;
    throw error;
  }
  return findOthers(context, stored.filter(isShared));
}

/** An update in the same millisecond as the last one changes nothing. That is not a refusal. */
async function findOthers(
  { items }: StoreContext,
  puts: readonly PutRequest[],
): Promise<readonly PutRequest[]> {
  if (puts.length === 0) return [];
  const found = await items
    .aggregate<ItemAddress>([
      { $match: { namespaceStr: { $in: puts.map(({ namespace }) => spellNamespace(namespace)) } } },
      { $match: { $or: puts.map(matchItem) } },
      { $project: { namespace: 1, key: 1 } },
    ])
    .toArray();
  const there = new Set(found.map(addressOf));
  return puts.filter((put) => !there.has(addressOf(put)));
}

function isShared({ namespace }: ItemAddress): boolean {
  return mayBeShared(spellNamespace(namespace));
}

function toOperation(
  context: StoreContext,
  put: PutRequest,
  vector: readonly number[] | undefined,
): AnyBulkWriteOperation<ItemDocument> {
  if (put.value === undefined) {
    const filter = matchItem(put);
    // There may be two, under two spellings. But the driver can repeat only a delete of one.
    return hasSeparatorInLabel(put.namespace)
      ? { deleteMany: { filter } }
      : { deleteOne: { filter } };
  }
  const fields = listFields(context, put, vector);
  const namespaceStr = spellNamespace(put.namespace);
  if (hasSeparatorInLabel(put.namespace)) {
    // The official store may have written it in its own spelling, which it keeps.
    const spelled = { $ifNull: ["$namespaceStr", { $literal: namespaceStr }] };
    const set = { ...fields, namespaceStr: spelled };
    return { updateOne: { filter: matchItem(put), update: [{ $set: set }], upsert: true } };
  }
  // The index alone may find an item of another namespace, of the official store. The update has to leave
  // that as it is.
  const set = isShared(put) ? keepOthers(put.namespace, fields) : fields;
  const filter = { namespaceStr, key: put.key };
  return { updateOne: { filter, update: [{ $set: set }], upsert: true } };
}

/** The fields that a put sets, as expressions. Fields that no longer apply are removed. */
function listFields(
  { options }: StoreContext,
  put: PutRequest,
  vector: readonly number[] | undefined,
): Document {
  const { namespace, value, ttl } = put;
  const expiry = expiryOf(put, options);
  const own = {
    ...value!.exact,
    ...(ttl !== undefined && { ttlMs: ttl === null ? 0 : toTtlMs(ttl) }),
  };
  const fields: Document = {
    namespace: { $literal: namespace },
    value: { $literal: value!.value },
    // An expired item that the server has not removed yet counts as another item.
    createdAt: { $cond: [HAS_EXPIRED, "$$NOW", { $ifNull: ["$createdAt", "$$NOW"] }] },
    updatedAt: "$$NOW",
    expiresAt: expiry === undefined ? "$$REMOVE" : inMilliseconds(toTtlMs(expiry)),
    threadkeep: Object.keys(own).length === 0 ? "$$REMOVE" : { $literal: own },
  };
  if (options.enableTimestamps) fields["upserted_at"] = "$$NOW";
  if (options.indexConfig !== undefined) {
    fields["namespacePath"] = { $literal: listNamespacePath(namespace) };
    if (options.embeddings !== undefined) {
      const path = options.indexConfig.path ?? "embedding";
      fields[path] = vector === undefined ? "$$REMOVE" : { $literal: vector };
    }
  }
  return fields;
}

function keepOthers(namespace: readonly string[], fields: Document): Document {
  const own = { $literal: namespace };
  const isOwn = { $eq: [{ $ifNull: ["$namespace", own] }, own] };
  return Object.fromEntries(
    Object.entries(fields).map(([field, expression]) => [
      field,
      { $cond: [isOwn, expression, `$${field}`] },
    ]),
  );
}

/** Seconds until the item expires; undefined if it does not. */
function expiryOf(
  { ttl }: PutRequest,
  options: Pick<ResolvedStoreOptions, "ttl">,
): number | undefined {
  return (ttl === undefined ? options.ttl?.defaultTtl : ttl) ?? undefined;
}

function conflict(puts: readonly PutRequest[], elapsedMs: number): WriteConflictError {
  const [{ namespace, key }] = puts as readonly [PutRequest];
  return new WriteConflictError({
    action: `store ${puts.length === 1 ? "an item" : `${puts.length} items`}`,
    attempts: ATTEMPTS,
    elapsedMs,
    reason: `others got in first, for example at the key ${JSON.stringify(key)} of ${JSON.stringify(
      namespace,
    )}`,
    advice: "Put it again.",
  });
}
