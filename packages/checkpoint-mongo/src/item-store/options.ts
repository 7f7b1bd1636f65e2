import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import type { MongoClient } from "mongodb";
import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { clientOption, type MongoClientLike } from "../options/client-option.ts";
import { crossCheck } from "../options/cross-check.ts";
import {
  allowedObjects,
  collectionName,
  databaseName,
  listener,
  wholeNumber,
} from "../options/shared-options.ts";
import { retryOptions, type RetrySettings } from "../options/retry-options.ts";
import { emitStoreWarning, type ReportStoreEvent } from "./events.ts";

/** How the similarity of two vectors is measured. */
export type SimilarityFunction = "cosine" | "euclidean" | "dotProduct";

/** The configuration of the vector search. */
export interface IndexConfig {
  /** The name of the vector search index, if the server has vector search. */
  name: string;

  /**
   * The length of the vectors. Required with `embeddings`.
   *
   * @default undefined: the server's model sets it
   */
  dims?: number | undefined;

  /**
   * How vectors are compared.
   *
   * @default "cosine"
   */
  similarityFunction?: SimilarityFunction | undefined;

  /**
   * The field of the value that is embedded.
   *
   * @default undefined: the whole value, as JSON
   */
  embeddingKey?: string | undefined;

  /**
   * The field of the document that holds the vector. Without `embeddings`: the field whose text the
   * server embeds, for example `value.content`.
   *
   * @default "embedding"
   */
  path?: string | undefined;

  /**
   * The model with which the server embeds. Required without `embeddings`.
   *
   * @default undefined: `embeddings` embeds
   */
  model?: string | undefined;

  /**
   * What the server embeds.
   *
   * @default "text"
   */
  modality?: string | undefined;

  /**
   * Fields of the document by which the server can filter while it searches.
   *
   * @default []
   */
  filters?: string[] | undefined;
}

/** When items expire. */
export interface TTLConfig {
  /** Seconds until an item expires after it was put. */
  defaultTtl: number;
  /** Whether `get` restarts the time of the item. `updatedAt` stays as it is. */
  refreshOnRead: boolean;
}

/** The options of a store, without the client. */
export interface MongoDBStoreSettings extends RetrySettings {
  /**
   * Database name.
   *
   * @default the database of the connection string, else `test`
   */
  dbName?: string | undefined;

  /**
   * The collection of the items.
   *
   * @default "store"
   */
  collectionName?: string | undefined;

  /**
   * Whether items carry the time of their storage in `upserted_at`.
   *
   * @default false
   */
  enableTimestamps?: boolean | undefined;

  /**
   * When items expire. An expired item is not returned, whether the server has removed it or not.
   *
   * @default undefined: items stay
   */
  ttl?: TTLConfig | undefined;

  /**
   * Embeds values and queries.
   *
   * @default undefined: the server embeds, if there is an `indexConfig` with a `model`
   */
  embeddings?: EmbeddingsInterface | undefined;

  /**
   * Vector search: what `search` does with a `query`.
   *
   * @default undefined: `query` is refused
   */
  indexConfig?: IndexConfig | undefined;

  /**
   * Ids of further LangChain classes to store and read: their `lc_id` joined by `/`, for example
   * `"langchain_core/prompts/prompt/PromptTemplate"`. Objects of other classes are refused before anything is
   * stored, and when they are read: otherwise whoever can write to the database could choose which class is
   * instantiated.
   *
   * @default []: messages, chunks, documents and prompt values
   */
  allowedObjects?: readonly string[] | undefined;

  /**
   * How many items a query may be compared with if the server has no vector search: all items under its
   * namespace prefix and filter. With more items the query is refused.
   *
   * @default 20_000
   */
  maxExactSearchItems?: number | undefined;

  /**
   * Gets the events that the store reports.
   *
   * @default a warning of the process (`process.emitWarning`)
   */
  onEvent?: ReportStoreEvent | undefined;
}

/** Options of `new MongoDBStore(…)`. */
export interface MongoDBStoreParams extends MongoDBStoreSettings {
  /**
   * A client of the `mongodb` driver, 6.20 or later, in any copy of it, for example
   * `mongoose.connection.getClient()`. The store never closes it.
   */
  client: MongoClientLike;
}

/** Checked options with their defaults. */
export interface ResolvedStoreOptions {
  readonly client: MongoClient;
  readonly dbName: string | undefined;
  readonly collectionName: string;
  readonly enableTimestamps: boolean;
  readonly ttl: TTLConfig | undefined;
  readonly embeddings: EmbeddingsInterface | undefined;
  readonly indexConfig: IndexConfig | undefined;
  readonly allowedObjects: ReadonlySet<string>;
  readonly maxExactSearchItems: number;
  readonly retry: { readonly deadlineMs: number };
  readonly operationTimeoutMs: number;
  readonly onEvent: ReportStoreEvent;
}

/** A path of fields, without operators. */
const fieldPath = z
  .string()
  .regex(/^(?!\$)[^.\0]+(?:\.(?!\$)[^.\0]+)*$/, "a path of fields such as a.b");

/** The fields of an item itself. A vector cannot lie in one of them. */
const ITEM_FIELDS: ReadonlySet<string | undefined> = new Set([
  "_id",
  "namespace",
  "namespaceStr",
  "namespacePath",
  "key",
  "value",
  "createdAt",
  "updatedAt",
  "expiresAt",
  "upserted_at",
  "threadkeep",
]);

const indexSchema = z
  .strictObject({
    name: z.string().min(1),
    dims: wholeNumber.positive().optional(),
    similarityFunction: z.enum(["cosine", "euclidean", "dotProduct"]).optional(),
    embeddingKey: z.string().min(1).optional(),
    path: fieldPath.optional(),
    model: z.string().min(1).optional(),
    modality: z.string().min(1).optional(),
    filters: z.array(fieldPath).optional(),
  })
  .optional();

const OWNER = "MongoDBStore";

const NO_EMBEDDINGS = "since there are no embeddings and so the server has to embed";

const optionsSchema = z
  .strictObject({
    client: clientOption(OWNER),
    dbName: databaseName,
    collectionName: collectionName.default("store"),
    enableTimestamps: z.boolean().default(false),
    ttl: z
      .strictObject({
        defaultTtl: z.number().positive(),
        refreshOnRead: z.boolean().default(false),
      })
      .optional(),
    embeddings: z
      .custom<EmbeddingsInterface>(
        (value) =>
          typeof (value as Partial<EmbeddingsInterface> | null)?.embedDocuments === "function" &&
          typeof (value as Partial<EmbeddingsInterface>).embedQuery === "function",
        { error: "an object with embedDocuments and embedQuery", abort: false },
      )
      .optional(),
    indexConfig: indexSchema,
    allowedObjects,
    maxExactSearchItems: wholeNumber.positive().default(20_000),
    ...retryOptions,
    onEvent: listener<ReportStoreEvent>(),
  })
  .refine(
    ({ embeddings, indexConfig }) => !embeddings || has(indexConfig, "dims"),
    crossCheck("indexConfig.dims", "the length of the vectors that embeddings gives"),
  )
  .refine(
    ({ embeddings, indexConfig }) => !embeddings || !isItemField(indexConfig?.path),
    crossCheck("indexConfig.path", "a field that is not one of an item's own"),
  )
  .refine(
    ({ embeddings, indexConfig }) => embeddings !== undefined || has(indexConfig, "model"),
    crossCheck("indexConfig.model", `the name of a model, ${NO_EMBEDDINGS}`),
  )
  .refine(
    ({ embeddings, indexConfig }) => embeddings !== undefined || has(indexConfig, "path"),
    crossCheck("indexConfig.path", `the path of the text, ${NO_EMBEDDINGS}`),
  );

/** Whether an index has an option. True, too, if there is no index: then nothing is missing. */
function has(index: unknown, option: string): boolean {
  if (typeof index !== "object" || index === null) return true;
  return (index as Readonly<Record<string, unknown>>)[option] !== undefined;
}

function isItemField(path: unknown): boolean {
  return typeof path === "string" && ITEM_FIELDS.has(path.split(".")[0]);
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws InvalidOptionsError if any of them is wrong, with all that are
 */
export function resolveStoreOptions(options: MongoDBStoreParams): ResolvedStoreOptions {
  const { dbName, ttl, embeddings, indexConfig, onEvent, ...rest } = checkOptions(
    OWNER,
    optionsSchema,
    options,
  );
  return {
    ...rest,
    dbName,
    ttl,
    embeddings,
    indexConfig,
    onEvent: onEvent ?? emitStoreWarning,
  };
}
