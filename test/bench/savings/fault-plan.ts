import type { Moment, Scenario } from "./scenario.ts";

/** Which faults of a scenario are still to come. Each comes once. */
export class FaultPlan {
  readonly #left: Scenario["faults"][number][];

  constructor({ faults }: Scenario) {
    this.#left = [...faults];
  }

  /** Whether the process dies now. */
  takeDue(nowMs: number, step: number, moment: Moment): boolean {
    const index = this.#left.findIndex((fault) =>
      "atMs" in fault ? fault.atMs <= nowMs : fault.step === step && fault.moment === moment,
    );
    if (index === -1) return false;
    this.#left.splice(index, 1);
    return true;
  }
}
