import type { Document, Filter, UpdateFilter } from "mongodb";

/** One update of one document. */
export interface ChainUpdate {
  readonly filter: Filter<Document>;
  readonly update: UpdateFilter<Document>;
  readonly upsert?: boolean;
  /**
   * With `upsert`: the document must be there. If it is there but not as the filter says, the upsert
   * collides with it; if it is not there at all, what the upsert inserts is a conflict as well.
   */
  readonly mustExist?: boolean;
  /** With `upsert`: the document must not be there yet. Whoever carries out the chain looks whether it was. */
  readonly mustBeNew?: boolean;
  /** Without `upsert`: the filter must find a document, else it is a conflict. */
  readonly mustMatch?: boolean;
}

/**
 * Updates that belong together: they are carried out in order and end at the first that fails, so
 * that whatever a later one refers to is there.
 */
export type Chain = readonly ChainUpdate[];

/** How a chain ended. Other failures are thrown. */
export type ChainOutcome =
  /** With the positions of the updates that inserted a document. */
  { readonly kind: "done"; readonly inserted: ReadonlySet<number> } | ChainConflict;

/**
 * A unique index refused an update; it and those after it were not carried out. Or all were, but a document that must
 * be there was not.
 */
export interface ChainConflict {
  readonly kind: "conflict";
  /** The positions of the updates before that inserted a document. */
  readonly inserted: ReadonlySet<number>;
  /** Whether the very first update was refused, so that this chain has changed nothing. */
  readonly isUnbegun: boolean;
}

/** How a chain ended that the server carried out. */
export function judge(
  chain: Chain,
  inserted: ReadonlySet<number>,
  matched: number | undefined,
): ChainOutcome {
  const isBaseless = [...inserted].some((index) => chain[index]?.mustExist === true);
  return isBaseless || (matched !== undefined && matched + inserted.size < countRequired(chain))
    ? { kind: "conflict", inserted, isUnbegun: false }
    : { kind: "done", inserted };
}

/** Whether a chain needs a command of its own, since only the counts of one tell how it ended. */
export function needsOwnCommand(chain: Chain): boolean {
  return chain.some(({ mustMatch }) => mustMatch === true);
}

function countRequired(chain: Chain): number {
  return chain.filter(({ upsert, mustMatch }) => upsert === true || mustMatch === true).length;
}
