import { z } from "zod";
import { parseThreadId } from "../address/address.ts";
import { isPlainObject } from "../codec/values/plain-data.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "../options/check-options.ts";
import { readCursor, type SearchCursor } from "./cursor.ts";
import {
  nameField,
  writeBound,
  writeField,
  type MetadataValue,
} from "../documents/search-field.ts";
import { checkMetadata } from "./metadata.ts";
import type { ThreadStatus } from "./thread.ts";

/** A range of values of one key; at least one bound. Bounds are of one type, numbers or strings. */
export interface MetadataRange {
  /** At least this. */
  readonly $gte?: number | string | undefined;
  /** More than this. */
  readonly $gt?: number | string | undefined;
  /** At most this. */
  readonly $lte?: number | string | undefined;
  /** Less than this. */
  readonly $lt?: number | string | undefined;
}

/** What the threads of a search have in common. */
export interface ThreadFilter {
  /** Where the threads stand. */
  readonly status?: ThreadStatus | undefined;
  /** For each key a value that the thread's metadata has, or a range. */
  readonly metadata?: Readonly<Record<string, MetadataValue | MetadataRange>> | undefined;
  /**
   * For each field that `indexedConfig` names a value that the config of the latest put of the thread's root graph
   * had.
   */
  readonly config?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Only these threads, at most 1,000. */
  readonly ids?: readonly string[] | undefined;
  /** Only threads that were updated after this moment. */
  readonly updatedAfter?: Date | undefined;
}

/** The order of a search. Threads of the same moment come in the order of their ids. */
export interface ThreadSort {
  /** Which moment counts. */
  readonly by: "updatedAt" | "createdAt";
  /** @default "desc": the latest first */
  readonly order?: "asc" | "desc" | undefined;
}

/** What to search for. */
export interface ThreadSearch extends ThreadFilter {
  /** @default the latest update first */
  readonly sort?: ThreadSort | undefined;
  /**
   * At most so many threads, up to 1,000.
   *
   * @default 20
   */
  readonly limit?: number | undefined;
  /** The `cursor` that the page before came with, with the same sort. */
  readonly cursor?: string | undefined;
}

/** A checked filter. */
export interface ResolvedFilter {
  readonly status: ThreadStatus | undefined;
  readonly fields: readonly FieldCondition[];
  /** The keys of the metadata that these are of. */
  readonly fieldNames: readonly string[];
  /** Texts that the latest checkpoint has. */
  readonly config: readonly string[];
  /** The fields that these are of. */
  readonly configNames: readonly string[];
  readonly ids: readonly string[] | undefined;
  readonly updatedAfter: Date | undefined;
}

/** A field that a thread has, or a range of texts in which it has one. */
export type FieldCondition =
  | string
  | { readonly $in: readonly string[] }
  | Readonly<Partial<Record<"$gte" | "$gt" | "$lte" | "$lt", string>>>;

/** A checked search. */
export interface ResolvedSearch extends ResolvedFilter {
  readonly by: "updated_at" | "created_at";
  readonly isAscending: boolean;
  readonly limit: number;
  readonly cursor: SearchCursor | undefined;
}

const filterOptions = {
  status: z.enum(["idle", "busy", "interrupted", "error", "expired"]).optional(),
  metadata: z.custom<Record<string, unknown>>(isPlainObject, "a plain object").optional(),
  config: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  ids: z.array(z.string()).max(1_000, "at most 1,000 thread ids").optional(),
  updatedAfter: z.date().optional(),
};

const filterSchema = z.strictObject(filterOptions);

const searchSchema = z.strictObject({
  ...filterOptions,
  sort: z
    .strictObject({
      by: z.enum(["updatedAt", "createdAt"]),
      order: z.enum(["asc", "desc"]).default("desc"),
    })
    .default({ by: "updatedAt", order: "desc" }),
  limit: z.number().int().min(1).max(1_000).default(20),
  cursor: z.string().optional(),
});

/**
 * Checks what to count.
 *
 * @throws InvalidOptionsError if something is wrong
 */
export function checkFilter(owner: string, filter: unknown): ResolvedFilter {
  return resolveFilter(owner, checkOptions(owner, filterSchema, filter));
}

/**
 * Checks what to search for.
 *
 * @throws InvalidOptionsError if something is wrong
 */
export function checkSearch(owner: string, search: unknown): ResolvedSearch {
  const { sort, limit, cursor, ...filter } = checkOptions(owner, searchSchema, search);
  const by = sort.by === "updatedAt" ? "updated_at" : "created_at";
  const isAscending = sort.order === "asc";
  return {
    ...resolveFilter(owner, filter),
    by,
    isAscending,
    limit,
    cursor: cursor === undefined ? undefined : readCursor(owner, cursor, { by, isAscending }),
  };
}

function resolveFilter(
  owner: string,
  { status, metadata = {}, config = {}, ids, updatedAfter }: z.output<typeof filterSchema>,
): ResolvedFilter {
  const given = Object.entries(metadata).filter(([, wanted]) => wanted !== undefined);
  const fields = given.map(([key, wanted]) => toCondition(owner, key, wanted));
  const ofConfig = Object.entries(config).map(([field, value]) => writeField(field, value));
  return {
    status,
    fields,
    fieldNames: given.map(([key]) => key),
    config: ofConfig,
    configNames: Object.keys(config),
    ids: ids?.map(parseThreadId),
    updatedAfter,
  };
}

const BOUNDS = ["$gte", "$gt", "$lte", "$lt"] as const;

function toCondition(owner: string, key: string, wanted: unknown): FieldCondition {
  if (isPlainObject(wanted) && BOUNDS.some((bound) => Object.hasOwn(wanted, bound))) {
    return toRange(owner, key, wanted);
  }
  const checked = checkMetadata(owner, { [key]: wanted });
  return writeField(key, checked[key]!);
}

function toRange(owner: string, key: string, range: Record<string, unknown>): FieldCondition {
  const given = Object.entries(range).filter(([, value]) => value !== undefined);
  const types = new Set(given.map(([, value]) => typeof value));
  const isRange =
    given.every(([bound]) => BOUNDS.includes(bound as (typeof BOUNDS)[number])) &&
    types.size === 1 &&
    (types.has("string") || given.every(([, value]) => Number.isFinite(value))) &&
    !(range["$gte"] !== undefined && range["$gt"] !== undefined) &&
    !(range["$lte"] !== undefined && range["$lt"] !== undefined);
  if (!isRange) {
    throw new InvalidOptionsError(
      `Invalid option metadata.${key.toWellFormed()} of ${owner}: expected a range of $gte or $gt, and of ` +
        "$lte or $lt, whose bounds are both numbers or both strings, got something else.",
    );
  }
  const name = nameField(key, types.has("string") ? "string" : "number");
  const bounds = Object.fromEntries(
    given.map(([bound, value]) => [bound, name + writeBound(value as number | string)]),
  );
  // A range never leaves the key, nor the type of its bounds.
  const hasStart = "$gte" in bounds || "$gt" in bounds;
  const hasEnd = "$lte" in bounds || "$lt" in bounds;
  return {
    ...(!hasStart && { $gte: name }),
    ...bounds,
    // The sign that comes after the colon at the end of the name.
    ...(!hasEnd && { $lt: `${name.slice(0, -1)};` }),
  };
}
