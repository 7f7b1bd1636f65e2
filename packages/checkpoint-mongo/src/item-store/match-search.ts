import type { Document } from "mongodb";
import { boundPrefix, matchPrefix } from "./item-address.ts";
import { IS_ALIVE } from "./item-document.ts";
import type { SearchRequest } from "./operations.ts";

/**
 * The stages that select the items of a search. The condition for the index has its own stage: some servers
 * use an index only if it covers the whole condition.
 */
export function matchSearch({ prefix, filter }: SearchRequest): Document[] {
  return [
    { $match: { namespaceStr: boundPrefix(prefix) } },
    { $match: matchFound({ prefix, filter }) },
  ];
}

/** The exact condition for the items of a search. */
export function matchFound({ prefix, filter }: Pick<SearchRequest, "prefix" | "filter">): Document {
  const conditions = [matchPrefix(prefix), IS_ALIVE, filter];
  return { $and: conditions.filter((condition) => condition !== undefined) };
}
