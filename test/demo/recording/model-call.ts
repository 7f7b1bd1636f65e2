/**
 * How a call ended.
 *
 * - `in flight`: it has not yet
 * - `completed`: the whole answer was sent, with a 2xx status
 * - `failed`: the model's server refused it, or broke off: nothing was answered
 * - `cut`: whoever asked was gone before the whole answer was sent
 */
export type CallOutcome = "in flight" | "completed" | "failed" | "cut";

/** One request to the model, as the request log keeps it. Never holds headers, so no key. */
export interface ModelCall {
  /** Position in the log, from 1. */
  readonly id: number;
  /** Digest of the conversation sent: two calls with the same digest asked the same thing. */
  readonly digest: string;
  /** Which part of the agent asked, for instance `logs analyst`. */
  readonly role: string;
  /** 1 for the first answer of its conversation. */
  readonly turn: number;
  /** Model asked for. */
  readonly model: string;
  readonly streamed: boolean;
  /** Milliseconds since the epoch. */
  readonly askedAt: number;
  /** Milliseconds since the epoch; absent while in flight. */
  readonly endedAt?: number;
  /** Status of the answer, once it began. */
  readonly status?: number;
  /** How long a server that refused asked to be left alone, in milliseconds, if it did. */
  readonly pauseMs?: number;
  readonly outcome: CallOutcome;
}

/** A call's name for people: who asks, and which turn if it is not the first. */
export function describeCall({ role, turn }: Pick<ModelCall, "role" | "turn">): string {
  return turn === 1 ? role : `${role}, turn ${turn}`;
}
