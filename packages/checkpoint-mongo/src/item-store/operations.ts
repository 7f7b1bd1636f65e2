import type { Operation } from "@langchain/langgraph-checkpoint";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeValue } from "../options/describe-value.ts";
import { checkKey, checkNamespace, type ItemAddress } from "./item-address.ts";
import { checkItemSize, encodeItemValue, type EncodedItemValue } from "./item-value.ts";
import { translateFilter } from "./search-filter.ts";

/** What `get` asks for. */
export interface GetRequest extends ItemAddress {
  readonly kind: "get";
}

/** What `put` stores. */
export interface PutRequest extends ItemAddress {
  readonly kind: "put";
  /** Undefined to delete the item. */
  readonly value: EncodedItemValue | undefined;
  readonly index: false | readonly string[] | undefined;
  /** Seconds. With null the item does not expire; undefined means the store's own TTL. */
  readonly ttl: number | null | undefined;
}

/** What `search` looks for. */
export interface SearchRequest {
  readonly kind: "search";
  readonly prefix: readonly string[];
  /** A condition on the documents. */
  readonly filter: Record<string, unknown>;
  readonly limit: number;
  readonly offset: number;
  readonly query: string | undefined;
}

/** The labels at one end of a namespace; `*` matches any label. */
export interface NamespaceCondition {
  readonly matchType: "prefix" | "suffix";
  readonly path: readonly string[];
}

/** What `listNamespaces` looks for. */
export interface ListRequest {
  readonly kind: "list";
  readonly conditions: readonly NamespaceCondition[];
  readonly maxDepth: number | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** One operation of a batch, checked. It shares no object with the caller. */
export type Request = GetRequest | PutRequest | SearchRequest | ListRequest;

/** LangGraph's defaults. */
const DEFAULT_SEARCH_LIMIT = 10;
const DEFAULT_LIST_LIMIT = 100;

/**
 * Checks an operation and encodes what it stores.
 *
 * @throws InvalidNamespaceError, InvalidAddressError, InvalidOptionsError, UnserializableStateError,
 *   ItemTooLargeError
 */
export function readOperation(operation: Operation): Request {
  if (typeof operation !== "object" || operation === null) {
    throw new InvalidOptionsError(
      `Invalid operation of batch: expected an object, got ${describeValue(operation)}.`,
    );
  }
  const fields = operation as unknown as Partial<Record<string, unknown>>;
  if ("value" in fields) return readPut(fields);
  if ("namespacePrefix" in fields) return readSearch(fields);
  if ("key" in fields) {
    return {
      kind: "get",
      namespace: checkNamespace(fields["namespace"], { allowEmpty: true }),
      key: checkKey(fields["key"]),
    };
  }
  return readList(fields);
}

function readPut(fields: Partial<Record<string, unknown>>): PutRequest {
  const { value, index } = fields;
  if (value === undefined) {
    throw new InvalidOptionsError(
      "Invalid value of put: expected an object, or null to delete the item, got undefined.",
    );
  }
  if (
    index !== undefined &&
    index !== null &&
    index !== false &&
    !(Array.isArray(index) && index.every((path) => typeof path === "string"))
  ) {
    throw new InvalidOptionsError(
      `Invalid index of put: expected false or an array of paths, got ${describeValue(index)}.`,
    );
  }
  const address = {
    namespace: checkNamespace(fields["namespace"], { allowEmpty: false }),
    key: checkKey(fields["key"]),
  };
  return {
    kind: "put",
    ...address,
    value: value === null ? undefined : checkItemSize(address, encodeItemValue(value)),
    index: Array.isArray(index) ? [...index] : ((index as false | null) ?? undefined),
    ttl: readTtl(fields["ttl"]),
  };
}

function readTtl(ttl: unknown): number | null | undefined {
  if (ttl === undefined || ttl === null) return ttl;
  if (typeof ttl === "number" && ttl > 0 && ttl < Infinity) return ttl;
  throw new InvalidOptionsError(
    `Invalid ttl of put: expected seconds above 0, or null for none, got ${describeValue(ttl)}.`,
  );
}

function readSearch(fields: Partial<Record<string, unknown>>): SearchRequest {
  const { query } = fields;
  if (query !== undefined && query !== null && typeof query !== "string") {
    throw new InvalidOptionsError(
      `Invalid query of search: expected a string, got ${describeValue(query)}.`,
    );
  }
  return {
    kind: "search",
    prefix: checkNamespace(fields["namespacePrefix"], { allowEmpty: true }),
    filter: translateFilter(fields["filter"]),
    limit: readCount(fields["limit"], "limit of search") ?? DEFAULT_SEARCH_LIMIT,
    offset: readOffset(fields["offset"], "offset of search"),
    // As in LangGraph's own stores, an empty query is no query.
    query: query || undefined,
  };
}

function readList(fields: Partial<Record<string, unknown>>): ListRequest {
  const { matchConditions } = fields;
  if (
    matchConditions !== undefined &&
    matchConditions !== null &&
    !Array.isArray(matchConditions)
  ) {
    throw new InvalidOptionsError(
      `Invalid matchConditions of listNamespaces: expected an array, got ${describeValue(matchConditions)}.`,
    );
  }
  return {
    kind: "list",
    conditions: (matchConditions ?? []).map(readCondition),
    maxDepth: readMaxDepth(fields["maxDepth"]),
    limit: readCount(fields["limit"], "limit of listNamespaces") ?? DEFAULT_LIST_LIMIT,
    offset: readOffset(fields["offset"], "offset of listNamespaces"),
  };
}

function readMaxDepth(maxDepth: unknown): number | undefined {
  const labels = readCount(maxDepth, "maxDepth of listNamespaces");
  if (labels !== 0) return labels;
  throw new InvalidOptionsError(
    "Invalid maxDepth of listNamespaces: expected a whole number from 1, got 0.",
  );
}

function readCondition(condition: unknown): NamespaceCondition {
  const { matchType, path } = (condition ?? {}) as Partial<NamespaceCondition>;
  if (matchType !== "prefix" && matchType !== "suffix") {
    throw new InvalidOptionsError(
      `Invalid matchType of listNamespaces: expected prefix or suffix, got ${describeValue(matchType)}.`,
    );
  }
  return { matchType, path: checkNamespace(path, { allowEmpty: true }) };
}

function readOffset(offset: unknown, name: string): number {
  const count = readCount(offset, name) ?? 0;
  if (count !== Infinity) return count;
  throw new InvalidOptionsError(`Invalid ${name}: expected a whole number from 0, got Infinity.`);
}

function readCount(count: unknown, name: string): number | undefined {
  if (count === undefined || count === null) return undefined;
  if (typeof count === "number" && count >= 0 && (Number.isInteger(count) || count === Infinity)) {
    return count;
  }
  throw new InvalidOptionsError(
    `Invalid ${name}: expected a whole number from 0, got ${describeValue(count)}.`,
  );
}
