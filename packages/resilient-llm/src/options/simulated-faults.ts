import type { SimulatedFaultKind } from "../failure/simulated-fault-kind.ts";

/** A fault that requests meet at a given rate. */
export interface SimulatedFault {
  /** What happens to the request. */
  readonly kind: SimulatedFaultKind;

  /** The share of the requests that meet it, from 0 to 1. A request meets one fault at most. */
  readonly rate: number;

  /**
   * Names of the candidates, or of their models, that it happens to.
   *
   * @default undefined: all
   */
  readonly models?: readonly string[] | undefined;

  /**
   * The HTTP status of `server-error`, from 500 to 599.
   *
   * @default 500
   */
  readonly status?: number | undefined;

  /**
   * The wait that `rate-limited` asks for, in milliseconds.
   *
   * @default 1_000
   */
  readonly retryAfterMs?: number | undefined;

  /**
   * By how many milliseconds `slow` delays the request.
   *
   * @default 5_000
   */
  readonly delayMs?: number | undefined;

  /**
   * The share of the answer, from 0 to less than 1, after which `cut` and `stall` end it. Where it is above
   * 0 the model is asked, and its answer is read to the end first.
   *
   * @default 0.5 for `cut`, 0 for `stall`
   */
  readonly afterShare?: number | undefined;
}

/** Simulated faults, with what holds for all of them. */
export interface SimulateFaultsOptions {
  /** The faults. The rates of those that one candidate can meet add up to 1 at most. */
  readonly faults: readonly SimulatedFault[];

  /**
   * A whole number. With the same one, the nth request to a candidate meets the same fault in each run.
   *
   * @default undefined: the option `random` decides
   */
  readonly seed?: number | undefined;

  /**
   * Whether faults are simulated although `NODE_ENV` is `production`. A warning of the process tells of it.
   *
   * @default false
   */
  readonly force?: boolean | undefined;
}
