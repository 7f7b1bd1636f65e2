import type { Document } from "mongodb";
import { boundPrefix, matchPrefix } from "./item-address.ts";
import { IS_ALIVE } from "./item-document.ts";
import type { SearchRequest } from "./operations.ts";

/**
 * Stages that leave what a search is about. The first is what the index finds it by, in a stage of
 * its own: some servers use an index only for what it covers as a whole.
 */
export function matchSearch({ prefix, filter }: SearchRequest): Document[] {
  return [
    { $match: { namespaceStr: boundPrefix(prefix) } },
    { $match: matchFound({ prefix, filter }) },
  ];
}

/** What holds for every item that a search is about. */
export function matchFound({ prefix, filter }: Pick<SearchRequest, "prefix" | "filter">): Document {
  const conditions = [matchPrefix(prefix), IS_ALIVE, filter];
  return { $and: conditions.filter((condition) => condition !== undefined) };
}
