import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";

/** How threads are pruned, with the words of LangGraph's SDK. */
export type PruneOptions =
  | (PruneSafety & {
      /** Only the latest checkpoint of each namespace stays. */
      readonly strategy: "keep_latest";
    })
  | (PruneSafety & {
      /** The last checkpoints of each namespace stay. */
      readonly strategy: "keep_last";
      /** How many, at least 1. */
      readonly count: number;
    })
  | (PruneSafety & {
      /** Checkpoints that are older go, by the time that LangGraph gave them. The latest always stays. */
      readonly strategy: "older_than";
      /** How old a checkpoint is that goes. */
      readonly seconds: number;
    })
  | {
      /** The threads are deleted. They have to be named. */
      readonly strategy: "delete";
    };

/** What a prune must not remove. */
export interface PruneSafety {
  /**
   * Whether branches that wait for an answer may go. Otherwise a prune that would remove one is refused. The
   * latest checkpoint stays in any case.
   *
   * @default false
   */
  readonly discardWaiting?: boolean | undefined;
}

/** Which checkpoints stay. */
export type KeepingStrategy =
  | { readonly name: "keep_latest" }
  | { readonly name: "keep_last"; readonly count: number }
  | { readonly name: "older_than"; readonly seconds: number };

/** Checked options. */
export interface ResolvedPrune {
  readonly strategy: KeepingStrategy | { readonly name: "delete" };
  readonly discardWaiting: boolean;
}

const discardWaiting = z.boolean().default(false);

const schemas = {
  keep_latest: z.strictObject({ strategy: z.literal("keep_latest"), discardWaiting }),
  keep_last: z.strictObject({
    strategy: z.literal("keep_last"),
    count: z.number().int().min(1),
    discardWaiting,
  }),
  older_than: z.strictObject({
    strategy: z.literal("older_than"),
    seconds: z.number().positive(),
    discardWaiting,
  }),
  delete: z.strictObject({ strategy: z.literal("delete") }),
};

const anySchema = z.looseObject({
  strategy: z.enum(["keep_latest", "keep_last", "older_than", "delete"]),
});

/**
 * Checks how to prune.
 *
 * @throws InvalidOptionsError if the strategy is not known, or its options are wrong
 */
export function checkPrune(options: unknown): ResolvedPrune {
  const { strategy } = checkOptions("prune", anySchema, options);
  if (strategy === "delete") {
    checkOptions("prune", schemas.delete, options);
    return { strategy: { name: "delete" }, discardWaiting: true };
  }
  const { strategy: name, ...checked } = checkOptions("prune", schemas[strategy], options);
  return {
    strategy: { name, ...checked } as KeepingStrategy,
    discardWaiting: checked.discardWaiting,
  };
}
