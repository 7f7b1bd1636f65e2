import { createHash } from "node:crypto";
import type { SimulatedFault } from "../options/simulated-faults.ts";
import { createSeededRandom } from "./seeded-random.ts";

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
