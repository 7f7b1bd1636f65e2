import { isDeepStrictEqual } from "node:util";
import { measureDocument } from "../driver/measure-document.ts";
import type { Chain, ChainUpdate } from "../store/chain.ts";
import { REFUSED, type CommitQueue, type Submission } from "../store/group-commit.ts";

/**
 * Takes the chains of a call as if they were carried out already, and each of their updates had inserted its
 * document. Whether that is so shows when they are.
 */
export class CollectedChains implements CommitQueue {
  readonly chains: Chain[] = [];
  bytes = 0;

  async submit(chain: Chain, after: readonly Submission[] = []): Promise<Submission> {
    const outcomes = await Promise.allSettled(after.map(({ outcome }) => outcome));
    const isRefused = outcomes.some(
      (outcome) => outcome.status === "fulfilled" && outcome.value.kind === "conflict",
    );
    if (isRefused) return { outcome: Promise.resolve(REFUSED) };
    this.chains.push(chain);
    this.bytes += measureDocument(chain);
    const inserted = new Set(chain.keys());
    return { outcome: Promise.resolve({ kind: "done", inserted }) };
  }
}

/**
 * Joins chains of one thread. Each begins and ends with a fence. A fence within is left out if it changes nothing and
 * the fence at the beginning, or that at the end, asks the same.
 */
export function joinChains(chains: readonly Chain[]): Chain {
  const opening = chains[0]?.[0];
  const closing = chains.at(-1)?.at(-1);
  return chains.flatMap((chain) => {
    const last = chain.length - 1;
    return chain.filter((update, index) => {
      const isSpared =
        (index === 0 && asksNoMore(update, opening)) ||
        (index === last && asksNoMore(update, closing));
      return !isSpared;
    });
  });
}

/** Whether a fence within changes nothing and asks for what another one asks for anyway. */
function asksNoMore(fence: ChainUpdate, outer: ChainUpdate | undefined): boolean {
  return fence !== outer && changesNothing(fence) && isDeepStrictEqual(fence.filter, outer?.filter);
}

/** A fence that is there already inserts nothing. */
function changesNothing({ update }: ChainUpdate): boolean {
  return Object.keys(update).every((operator) => operator === "$setOnInsert");
}

/** Whether all that had to be new was new. */
export function haveInserted(chain: Chain, inserted: ReadonlySet<number>): boolean {
  return chain.every(({ mustBeNew }, index) => mustBeNew !== true || inserted.has(index));
}
