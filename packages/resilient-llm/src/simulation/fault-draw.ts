import { createHash } from "node:crypto";
import type { SimulatedFault } from "../options/simulated-faults.ts";

/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
function createSeededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Each candidate has numbers of its own, so that what others are asked does not shift them. */
function seedFor(seed: number, candidate: string): number {
  return createHash("sha256").update(`${seed} ${candidate}`).digest().readInt32BE();
}

/** Decides which requests to one candidate meet a fault. */
export class FaultDraw {
  readonly #faults: readonly SimulatedFault[];
  readonly #random: () => number;

  /**
   * @param faults Those that the candidate can meet.
   * @param random Decides where there is no seed.
   */
  constructor(
    candidate: string,
    faults: readonly SimulatedFault[],
    seed: number | undefined,
    random: () => number,
  ) {
    this.#faults = faults;
    this.#random = seed === undefined ? random : createSeededRandom(seedFor(seed, candidate));
  }

  /** The fault of the next request. `undefined`: it meets none. */
  draw(): SimulatedFault | undefined {
    let position = this.#random();
    for (const fault of this.#faults) {
      if (position < fault.rate) return fault;
      position -= fault.rate;
    }
    return undefined;
  }
}
