import type { SearchItem } from "@langchain/langgraph-checkpoint";
import type { Document } from "mongodb";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { SetupError } from "../errors/setup-error.ts";
import { findNearestExactly } from "./exact-search.ts";
import { ITEM_FIELDS, type ItemDocument } from "./item-document.ts";
import { matchSearch } from "./match-search.ts";
import type { EmbedQuery, Nearest, QueryRequest } from "./nearest.ts";
import type { SearchRequest } from "./operations.ts";
import { readItem } from "./read-item.ts";
import type { StoreContext } from "./store-context.ts";
import { findNearestOnServer } from "./vector-search.ts";

/**
 * Finds items under a namespace prefix, in the order of `namespaceStr` and key. With a query, the score comes
 * first.
 */
export async function searchItems(
  context: StoreContext,
  request: SearchRequest,
  embedQuery: EmbedQuery,
): Promise<SearchItem[]> {
  const { query, limit, offset } = request;
  if (query !== undefined) checkQuery(context);
  if (limit === 0) return [];
  const read = (document: ItemDocument) => readItem(document, context.options.allowedObjects);
  if (query === undefined) {
    const documents = await findInOrder(context, request, [
      { $skip: offset },
      ...(limit === Infinity ? [] : [{ $limit: limit }]),
    ]);
    return Promise.all(documents.map(read));
  }
  const nearest = await findNearest(context, { ...request, query }, embedQuery);
  return Promise.all(
    nearest.map(async ({ document, score }) => Object.assign(await read(document), { score })),
  );
}

function findInOrder(
  { items }: StoreContext,
  request: SearchRequest,
  page: readonly Document[],
): Promise<ItemDocument[]> {
  return items
    .aggregate<ItemDocument>([
      ...matchSearch(request),
      // The index has this order.
      { $sort: { namespaceStr: 1, key: 1 } },
      ...page,
      { $project: ITEM_FIELDS },
    ])
    .toArray();
}

function checkQuery({ options, vectorSearch }: StoreContext): void {
  if (options.indexConfig === undefined) {
    throw new InvalidOptionsError(
      "Vector search (query parameter) requires indexConfig to be configured. Give the store " +
        "indexConfig and embeddings, or search without a query.",
    );
  }
  if (vectorSearch.by === "nobody") {
    throw new InvalidOptionsError(
      "The server cannot embed texts itself (auto-embed), so the query cannot be compared with " +
        `anything: ${String(vectorSearch.cause)} Give the store embeddings.`,
      { cause: vectorSearch.cause },
    );
  }
}

async function findNearest(
  context: StoreContext,
  request: QueryRequest,
  embedQuery: EmbedQuery,
): Promise<readonly Nearest[]> {
  const { vectorSearch, options } = context;
  if (vectorSearch.by === "server") {
    if (await vectorSearch.isReady()) return findNearestOnServer(context, request, embedQuery);
    if (options.embeddings === undefined) {
      throw new SetupError(
        `The vector search index ${options.indexConfig!.name} is still being built by the server. ` +
          "Search again later.",
      );
    }
  }
  return findNearestExactly(context, request, embedQuery);
}
