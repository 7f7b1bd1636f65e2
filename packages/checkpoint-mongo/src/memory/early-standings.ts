import type { CheckpointAddress } from "../address/address.ts";
import type { StandingMove } from "../store/thread-entry.ts";

/** This many are remembered. What is forgotten, a search finds out. */
const MAX_CHECKPOINTS = 1_000;

/**
 * Interrupts and errors that were stored while the put of their checkpoint was still under way. The checkpoint may
 * have come after them, and then it does not say where its thread stands.
 */
export class EarlyStandings {
  /** Undefined as long as there was none: each place has one of these. */
  #moves: Map<string, StandingMove> | undefined;

  note(address: CheckpointAddress, epoch: number, move: StandingMove): void {
    const key = formatKey(address, epoch);
    const moves = (this.#moves ??= new Map<string, StandingMove>());
    const former = moves.get(key);
    // An error beats an interrupt, whichever comes first.
    if (former !== undefined && former.stands.code > move.stands.code) return;
    moves.set(key, move);
    for (const oldest of moves.keys()) {
      if (moves.size <= MAX_CHECKPOINTS) break;
      moves.delete(oldest);
    }
  }

  /** Returns what was noted of a checkpoint, and forgets it. */
  take(address: CheckpointAddress, epoch: number): StandingMove | undefined {
    if (this.#moves === undefined || this.#moves.size === 0) return undefined;
    const key = formatKey(address, epoch);
    const move = this.#moves.get(key);
    this.#moves.delete(key);
    return move;
  }
}

function formatKey(
  { threadId, checkpointNs, checkpointId }: CheckpointAddress,
  epoch: number,
): string {
  return JSON.stringify([threadId, checkpointNs, checkpointId, epoch]);
}
