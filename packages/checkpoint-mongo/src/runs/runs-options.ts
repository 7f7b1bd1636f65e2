import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { wholeNumber } from "../options/shared-options.ts";
import type { MongoDBSaver } from "../saver/mongodb-saver.ts";
import { graphsOption, type Graphs, type KnownGraphs } from "./graphs.ts";

/** A saver that keeps runs: a `MongoDBSaver` of this package. */
export interface RunsSaver extends BaseCheckpointSaver {
  /** The index of its threads. */
  readonly threads: object;
}

/** What a place needs that has to do with runs. */
export interface RunsOptions {
  /** The saver of the threads. Runs lie in its database, in the collection `{prefix}runs`. */
  saver: RunsSaver;
  /** The graphs, by the names that runs are started with. Keep the names as long as there are runs of them. */
  graphs: Graphs;
  /**
   * Seconds for which the record of an ended run stays. A run id counts as used for as long.
   *
   * @default undefined: it stays
   */
  keepEndedSeconds?: number | undefined;
}

/** Checked options. */
export interface ResolvedRunsOptions {
  readonly saver: MongoDBSaver;
  readonly graphs: KnownGraphs;
  readonly expiresAfterMs: number | undefined;
}

const MAX_KEEP_SECONDS = 100 * 365 * 24 * 60 * 60;

/** The options of {@link RunsOptions}, as a schema. */
export const runsOptions: {
  readonly saver: z.ZodCustom<MongoDBSaver, MongoDBSaver>;
  readonly graphs: typeof graphsOption;
  readonly keepEndedSeconds: z.ZodOptional<z.ZodNumber>;
} = {
  saver: z.custom<MongoDBSaver>(isSaver, "a MongoDBSaver of this package"),
  graphs: graphsOption,
  keepEndedSeconds: wholeNumber.nonnegative().max(MAX_KEEP_SECONDS).optional(),
};

const schema = z.strictObject(runsOptions);

/** @throws InvalidOptionsError if any of them is wrong, with all that are */
export function resolveRunsOptions(owner: string, options: unknown): ResolvedRunsOptions {
  const { saver, graphs, keepEndedSeconds } = checkOptions(owner, schema, options);
  return { saver, graphs, expiresAfterMs: toMilliseconds(keepEndedSeconds) };
}

/** Undefined stays undefined. */
export function toMilliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}

/** By what is used of it: there may be two builds of this package in a process. */
function isSaver(value: unknown): boolean {
  const saver = value as { readonly reach?: unknown; readonly threads?: unknown } | null;
  return typeof saver?.reach === "function" && typeof saver.threads === "object";
}
