import * as fc from "fast-check";

/** Who does something: two processes that remember, one that prunes as it puts, and one that has just started. */
export type Who = "warm" | "other" | "keeper" | "cold";

/** One step of a sequence. Numbers choose among what is there then. */
export type Step = { readonly thread: number; readonly who: Who } & (
  | {
      readonly kind: "put";
      readonly isNested: boolean;
      /** How the parent is chosen: the latest, one that is there, or any that ever was. */
      readonly parent: "latest" | "there" | "ever" | "none";
      readonly pick: number;
      readonly isBusy: boolean;
      readonly run: number;
    }
  | { readonly kind: "putAgain"; readonly isNested: boolean; readonly pick: number }
  | {
      readonly kind: "putWrites";
      readonly isNested: boolean;
      /** 0 is the latest. */
      readonly pick: number;
      readonly channel: "list" | "__interrupt__" | "__error__" | "__resume__";
    }
  | { readonly kind: "prune"; readonly count: number; readonly discardWaiting: boolean }
  | { readonly kind: "deleteForRuns"; readonly run: number }
  | {
      readonly kind: "label";
      readonly isNested: boolean;
      readonly pick: number;
      readonly name: number;
    }
  | { readonly kind: "removeLabel"; readonly isNested: boolean; readonly name: number }
  | {
      readonly kind: "rollback";
      readonly by: "id" | "label" | "steps";
      readonly pick: number;
      readonly discard: boolean;
    }
  | { readonly kind: "undoRollback" }
  | { readonly kind: "setRetention"; readonly retention: "days" | "pinned" | "none" }
  | { readonly kind: "deleteThread" }
  | { readonly kind: "create" | "update"; readonly pick: number }
  | { readonly kind: "sweep"; readonly minutes: number }
);

const isNested = fc.nat(3).map((value) => value === 0);
const pick = fc.nat(30);
const run = fc.nat(3);

const action = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      isNested,
      parent: fc.constantFrom(
        "latest" as const,
        "latest" as const,
        "latest" as const,
        "there" as const,
        "ever" as const,
        "ever" as const,
        "none" as const,
      ),
      pick,
      isBusy: fc.boolean(),
      run,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("putAgain" as const), isNested, pick }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("putWrites" as const),
      isNested,
      pick: fc.oneof(fc.constant(0), pick),
      channel: fc.constantFrom(
        "list" as const,
        "__interrupt__" as const,
        "__error__" as const,
        "__resume__" as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("prune" as const),
      count: fc.integer({ min: 0, max: 3 }),
      discardWaiting: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("deleteForRuns" as const), run: fc.nat(2) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("label" as const), isNested, pick, name: fc.nat(2) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("removeLabel" as const), isNested, name: fc.nat(2) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("rollback" as const),
      by: fc.constantFrom("id" as const, "label" as const, "steps" as const),
      pick,
      discard: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("undoRollback" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("setRetention" as const),
      retention: fc.constantFrom("days" as const, "pinned" as const, "none" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("deleteThread" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom("create" as const, "update" as const), pick }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("sweep" as const),
      minutes: fc.constantFrom(0, 11, 11, 8 * 24 * 60),
    }),
  },
);

/** A step that somebody takes in one of two threads. */
const step: fc.Arbitrary<Step> = fc
  .tuple(
    fc.nat(3).map((value) => Number(value === 0)),
    fc.constantFrom("warm" as const, "other" as const, "keeper" as const, "cold" as const),
    action,
  )
  .map(([thread, who, own]) => Object.assign({ thread, who }, own));

/** A sequence of steps, after so many puts in the first thread. */
export interface Sequence {
  readonly start: number;
  /** Whether all of its savers encrypt. */
  readonly isEncrypted: boolean;
  readonly steps: readonly Step[];
}

/** Sequences; some start just before `keepLast` prunes. */
export const sequence: fc.Arbitrary<Sequence> = fc.record({
  start: fc.constantFrom(0, 0, 3, 3, 3, 29),
  isEncrypted: fc.boolean(),
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: "max" }),
});
