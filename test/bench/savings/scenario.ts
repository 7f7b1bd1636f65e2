import { Random } from "../../checkpoint-mongo/differential/random.ts";

/** Where a process dies: while an answer comes, or after it, while the step acts on it. */
export type Moment = "answer" | "action";

/** A fault that ends the process. */
export type Fault =
  /** In a step, at the middle of the moment. */
  | { readonly step: number; readonly moment: Moment }
  /** At a time since the begin of the work. */
  | { readonly atMs: number };

/** A job, and what goes wrong meanwhile. */
export interface Scenario {
  readonly name: string;
  readonly steps: number;
  readonly faults: readonly Fault[];
  /** Whoever has not finished by then is given up. */
  readonly giveUpAfterMs: number;
}

/** Tokens of a step: what is asked, and what is answered. */
export const INPUT_TOKENS = 6_000;
export const OUTPUT_TOKENS = 2_000;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Time of a step: the answer comes at 50 tokens a second, then the step acts on it. */
export const TOKEN_MS = 20;
export const ACTION_MS = 7 * MINUTE_MS - OUTPUT_TOKENS * TOKEN_MS;
const STEP_MS = OUTPUT_TOKENS * TOKEN_MS + ACTION_MS;

const SEED = 43;
/** Who restarts from the beginning is given so many times the time that the work takes. */
const PATIENCE = 2;

/** Work of so many hours, with a fault in each hour. */
function workHours(hours: number): Scenario {
  const random = new Random(SEED);
  const giveUpAfterMs = PATIENCE * hours * HOUR_MS;
  // One more, so that nobody is left in peace before they are given up.
  const faults = Array.from({ length: PATIENCE * hours + 1 }, (_, hour) => ({
    atMs: hour * HOUR_MS + random.between(0, HOUR_MS / SECOND_MS) * SECOND_MS,
  }));
  const steps = Math.round((hours * HOUR_MS) / STEP_MS);
  return { name: `${hours} hours, a fault each hour`, steps, faults, giveUpAfterMs };
}

/**
 * The scenarios of the table.
 *
 * @param share how much of the hours is simulated, from 0 to 1
 */
export function listScenarios(share = 1): Scenario[] {
  const hours = (count: number) => workHours(Math.max(1, Math.round(count * share)));
  return [
    {
      name: "10 steps, a fault in step 5",
      steps: 10,
      faults: [{ step: 5, moment: "action" }],
      giveUpAfterMs: Infinity,
    },
    {
      name: "50 steps, 3 faults",
      steps: 50,
      faults: [
        { step: 12, moment: "action" },
        { step: 25, moment: "answer" },
        { step: 40, moment: "action" },
      ],
      giveUpAfterMs: Infinity,
    },
    hours(24),
    hours(72),
  ];
}
