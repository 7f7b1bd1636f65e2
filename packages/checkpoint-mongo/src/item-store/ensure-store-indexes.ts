import type { Collection, Db, IndexDescription } from "mongodb";
import { ensureIndexes } from "../driver/ensure-indexes.ts";
import { readErrorCode } from "../driver/server-errors.ts";
import { describeCause, StorageUnavailableError } from "../errors/storage-unavailable-error.ts";
import { SetupError } from "../errors/setup-error.ts";
import type { ItemDocument } from "./item-document.ts";
import type { ResolvedStoreOptions } from "./options.ts";
import type { VectorSearchMode } from "./store-context.ts";

/** Error codes of servers that have no search indexes. */
const WITHOUT_SEARCH_CODES: ReadonlySet<number | undefined> = new Set([
  59, // CommandNotFound
  115, // CommandNotSupported
  238, // NotImplemented
  31_082, // SearchNotEnabled
  40_324, // unrecognized pipeline stage
]);

const ITEM_INDEXES: readonly IndexDescription[] = [
  // The same as the official store's, with the same name: the store that starts first creates it.
  { key: { namespaceStr: 1, key: 1 }, name: "namespaceStr_1_key_1", unique: true },
  // By the labels: this finds namespaces that the official store joins to the same string. It also makes the
  // official store's own reads faster, which otherwise scan the collection.
  { key: { namespace: 1, key: 1 }, name: "namespace_1_key_1" },
];

const EXPIRY_INDEX: IndexDescription = {
  key: { expiresAt: 1 },
  name: "expiresAt_1",
  expireAfterSeconds: 0,
};

/** The collection belongs to the official store too, so existing indexes are not changed. */
const AS_THEY_ARE = { changesExpiry: false };

/**
 * Creates the indexes by which items are found. May be called by many processes at once, and again.
 *
 * @throws SetupError if an index cannot be created
 */
export function ensureItemIndexes(db: Db, items: Collection<ItemDocument>): Promise<void> {
  return ensureIndexes(db, items, ITEM_INDEXES, AS_THEY_ARE);
}

/**
 * Creates the index by which the server removes expired items.
 *
 * @throws SetupError if it cannot be created
 */
export function ensureExpiryIndex(db: Db, items: Collection<ItemDocument>): Promise<void> {
  return ensureIndexes(db, items, [EXPIRY_INDEX], AS_THEY_ARE);
}

/**
 * Creates the vector search index, if one is configured, and finds out who compares vectors.
 *
 * @throws SetupError if the server has vector search but refuses the index
 */
export async function ensureSearchIndex(
  items: Collection<ItemDocument>,
  { indexConfig, embeddings }: Pick<ResolvedStoreOptions, "indexConfig" | "embeddings">,
): Promise<VectorSearchMode> {
  if (indexConfig === undefined) return { by: "nobody", cause: undefined };
  const { name, dims, similarityFunction = "cosine", model, modality = "text" } = indexConfig;
  const path = indexConfig.path ?? "embedding";
  const vector =
    embeddings === undefined
      ? { type: "autoEmbed", path, model, modality }
      : { type: "vector", path, numDimensions: dims, similarity: similarityFunction };
  const filters = ["namespacePath", ...(indexConfig.filters ?? [])];
  const fields = [vector, ...filters.map((field) => ({ type: "filter", path: field }))];
  try {
    await items.createSearchIndex({ name, type: "vectorSearch", definition: { fields } });
    return { by: "server", isReady: watchSearchIndex(items, name) };
  } catch (error) {
    if (isAlreadyThere(error)) return { by: "server", isReady: watchSearchIndex(items, name) };
    if (WITHOUT_SEARCH_CODES.has(readErrorCode(error))) {
      return { by: embeddings === undefined ? "nobody" : "process", cause: error };
    }
    if (StorageUnavailableError.isInstance(error)) throw error;
    throw new SetupError(
      `Could not make the vector search index ${name} of ${items.namespace}: ${describeCause(error)}.`,
      { cause: error },
    );
  }
}

/** A new search index is built in the background; until then a query by it finds nothing. */
function watchSearchIndex(items: Collection<ItemDocument>, name: string): () => Promise<boolean> {
  let isReady = false;
  return async () => {
    if (isReady) return true;
    const [index] = await items.listSearchIndexes(name).toArray();
    isReady = (index as { queryable?: boolean } | undefined)?.queryable === true;
    return isReady;
  };
}

function isAlreadyThere(error: unknown): boolean {
  // 68 is IndexAlreadyExists; some servers have no code for it.
  return readErrorCode(error) === 68 || /already exists/i.test(String(error));
}
