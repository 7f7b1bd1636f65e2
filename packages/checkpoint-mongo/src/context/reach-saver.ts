import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeValue } from "../options/describe-value.ts";
import type { SaverContext } from "./context.ts";

/** Registered globally, so that each entry point of the package reaches savers of the other build too. */
export const REACH_STORAGE: unique symbol = Symbol.for("threadkeep.reach-storage");

/** A saver as the other entry points of this package see it. */
export interface ReachableSaver {
  /** @internal */
  [REACH_STORAGE]<T>(name: string, act: (context: SaverContext) => Promise<T>): Promise<T>;
}

/**
 * Does something with the database of a saver.
 *
 * @param name of what is done, for errors
 * @throws InvalidOptionsError if it is no saver of this package
 */
export function reachStorage<T>(
  saver: object,
  name: string,
  act: (context: SaverContext) => Promise<T>,
): Promise<T> {
  const reachable = saver as Partial<ReachableSaver> | null | undefined;
  if (typeof reachable?.[REACH_STORAGE] !== "function") {
    throw new InvalidOptionsError(
      `Invalid saver of ${name}: expected a MongoDBSaver, got ${describeValue(saver)}.`,
    );
  }
  return reachable[REACH_STORAGE](name, act);
}
