import { SearchTooWideError } from "../errors/search-too-wide-error.ts";
import { ITEM_FIELDS, type ItemDocument } from "./item-document.ts";
import { matchSearch } from "./match-search.ts";
import type { EmbedQuery, Nearest, QueryRequest } from "./nearest.ts";
import { scoreSimilarity } from "./similarity.ts";
import type { StoreContext } from "./store-context.ts";

/** How many vectors are read at once. */
const BATCH_SIZE = 500;

interface Embedded extends Pick<ItemDocument, "_id" | "namespaceStr" | "key"> {
  readonly vector: unknown;
}

interface Scored extends Embedded {
  readonly score: number;
}

/**
 * Finds the nearest items by comparing the query with all of them. Only their vectors are read, and then the
 * items to return.
 *
 * @throws SearchTooWideError if there are more items than the store's `maxExactSearchItems`
 */
export async function findNearestExactly(
  { items, options }: StoreContext,
  request: QueryRequest,
  embedQuery: EmbedQuery,
): Promise<readonly Nearest[]> {
  const { path = "embedding", similarityFunction = "cosine" } = options.indexConfig!;
  const { maxExactSearchItems } = options;
  const wanted = request.offset + request.limit;
  const queryVector = await embedQuery(request.query);
  const cursor = items.aggregate<Embedded>(
    [
      ...matchSearch(request),
      { $match: { [path]: { $type: "array" } } },
      { $limit: maxExactSearchItems + 1 },
      { $project: { namespaceStr: 1, key: 1, vector: `$${path}` } },
    ],
    { batchSize: BATCH_SIZE },
  );
  let nearest: Scored[] = [];
  let compared = 0;
  for await (const embedded of cursor) {
    compared += 1;
    if (compared > maxExactSearchItems) {
      throw new SearchTooWideError(
        request.prefix,
        maxExactSearchItems,
        ", raise maxExactSearchItems, or use a server with $vectorSearch",
      );
    }
    const { vector } = embedded;
    if (!isVector(vector, queryVector.length)) continue;
    nearest.push({
      ...embedded,
      // Only its score is needed from here on.
      vector: undefined,
      score: scoreSimilarity(similarityFunction, queryVector, vector),
    });
    if (nearest.length >= 2 * wanted + BATCH_SIZE) {
      nearest = nearest.toSorted(compareScored).slice(0, wanted);
    }
  }
  return readNearest(items, nearest.toSorted(compareScored).slice(request.offset, wanted));
}

async function readNearest(
  items: StoreContext["items"],
  scored: readonly Scored[],
): Promise<Nearest[]> {
  if (scored.length === 0) return [];
  const documents = await items
    .aggregate<ItemDocument>([
      { $match: { _id: { $in: scored.map(({ _id }) => _id) } } },
      { $project: ITEM_FIELDS },
    ])
    .toArray();
  const byPlace = new Map(documents.map((document) => [placeOf(document), document]));
  return scored.flatMap((item) => {
    const document = byPlace.get(placeOf(item));
    // Deleted since it was compared.
    return document === undefined ? [] : [{ document, score: item.score }];
  });
}

function placeOf({ namespaceStr, key }: Pick<ItemDocument, "namespaceStr" | "key">): string {
  return JSON.stringify([namespaceStr, key]);
}

/** A vector of another length comes from another model. */
function isVector(vector: unknown, length: number): vector is number[] {
  return Array.isArray(vector) && vector.length === length;
}

function compareScored(a: Scored, b: Scored): number {
  return (
    b.score - a.score || compareText(a.namespaceStr, b.namespaceStr) || compareText(a.key, b.key)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
