import type { Document } from "mongodb";
import { SearchTooWideError } from "../errors/search-too-wide-error.ts";
import { findNearestExactly } from "./exact-search.ts";
import { ITEM_FIELDS, type ItemDocument } from "./item-document.ts";
import { matchFound } from "./match-search.ts";
import type { EmbedQuery, Nearest, QueryRequest } from "./nearest.ts";
import type { StoreContext } from "./store-context.ts";

/** The most candidates, and so results, that `$vectorSearch` allows. */
const MAX_CANDIDATES = 10_000;

/** How many candidates are considered for each result, as in the official store. */
const CANDIDATES_PER_RESULT = 20;

/** With a filter, how many results are asked for at first for each that is wanted. */
const RESULTS_PER_FILTERED = 10;

/**
 * Finds the nearest items with `$vectorSearch`. The server applies the namespace prefix, but not the filter: if
 * too few of its results fulfil the filter, it is asked for as many as possible.
 *
 * @throws SearchTooWideError if those are still too few, and there are too many items to compare all
 */
export async function findNearestOnServer(
  context: StoreContext,
  request: QueryRequest,
  embedQuery: EmbedQuery,
): Promise<readonly Nearest[]> {
  const { query, offset, limit, prefix, filter } = request;
  const { embeddings } = context.options;
  const asked =
    embeddings === undefined
      ? { query: { text: query } }
      : { queryVector: await embedQuery(query) };
  const search = (results: number): Document => ({
    $vectorSearch: {
      index: context.options.indexConfig!.name,
      path: context.options.indexConfig!.path ?? "embedding",
      numCandidates: Math.min(results * CANDIDATES_PER_RESULT, MAX_CANDIDATES),
      limit: results,
      ...asked,
      ...(prefix.length > 0 && { filter: { namespacePath: prefix.join("/") } }),
    },
  });
  const wanted = offset + limit;
  const isFiltered = Object.keys(filter).length > 0;
  const atFirst = Math.min(wanted * (isFiltered ? RESULTS_PER_FILTERED : 1), MAX_CANDIDATES);
  for (const results of new Set([atFirst, MAX_CANDIDATES])) {
    const page = await findPage(context, search(results), request);
    if (page.length === limit) return page;
    const [all] = await context.items
      .aggregate<{ readonly count: number }>([search(results), { $count: "count" }])
      .toArray();
    // The server has returned all there are.
    if ((all?.count ?? 0) < results) return page;
  }
  if (embeddings === undefined) throw new SearchTooWideError(prefix, MAX_CANDIDATES, "");
  return findNearestExactly(context, request, embedQuery);
}

async function findPage(
  { items }: StoreContext,
  search: Document,
  request: QueryRequest,
): Promise<Nearest[]> {
  const { offset, limit } = request;
  const found = await items
    .aggregate<ItemDocument & { readonly score: number }>([
      search,
      { $addFields: { score: { $meta: "vectorSearchScore" } } },
      { $match: matchFound(request) },
      { $sort: { score: -1, namespaceStr: 1, key: 1 } },
      { $skip: offset },
      ...(limit === Infinity ? [] : [{ $limit: limit }]),
      { $project: { ...ITEM_FIELDS, score: 1 } },
    ])
    .toArray();
  return found.map((document) => ({ document, score: document.score }));
}
