import type { Reply } from "../../../resilient-llm/testing/fault-server.ts";

/** What an attempt meets instead of the right answer. */
export type Fault =
  /** Another reply, which costs that many tokens of output. */
  | { readonly reply: Reply; readonly paidTokens: number }
  /** An answer that stops in the middle: with a silent or with a closed connection. */
  | { readonly stopsAs: "stall" | "cut" };

/** An attempt, as far as its fault depends on it. */
export interface AttemptPlace {
  readonly seed: number;
  readonly call: number;
  /** From 1, whichever model is asked. */
  readonly attempt: number;
  readonly model: string;
}

/** What happens to an attempt; depends on nothing but its place. */
export type PickFault = (place: AttemptPlace) => Fault | undefined;
