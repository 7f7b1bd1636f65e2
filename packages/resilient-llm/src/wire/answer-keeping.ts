/** An attempt that was to pick up an answer, and nothing else, has found nothing. */
export class NothingToPickUp extends Error {
  override readonly name = "NothingToPickUp";

  constructor() {
    super("Nothing is left of the answer that an earlier process had asked for");
  }
}

/**
 * How the answer to an attempt outlives this process. The journaled call that makes the attempt has one for each,
 * and the `fetch` underneath uses it.
 */
export interface AnswerKeeping {
  /** The call's entry in the journal. */
  readonly callId: string;
  /** The name of the candidate that is asked. */
  readonly candidate: string;
  /** The number of the candidate's last answer that the keeper has given to this call. 0: none. */
  readonly after: number;
  /** The background response that an earlier attempt of this call has begun at the candidate. */
  readonly responseId: string | undefined;
  /** The keeper gives an answer, of this number. */
  noteNumber(number: number): void;
  /** The provider has begun a background response. `undefined`: there is none any more that could be picked up. */
  noteResponse(id: string | undefined): void;
  /** What an earlier attempt or process asked for is picked up. */
  notePickedUp(from: "provider" | "keeper"): void;
  /** The journal has a part of the answer, which the next attempt can continue if nothing is left to pick up. */
  readonly hasPart: boolean;
  /** There was nothing left to pick up, and this attempt has asked for nothing. */
  readonly isLost: boolean;
  /**
   * Nothing is left to pick up. The provider is asked anew, unless there is a part to continue: then the attempt is
   * over.
   *
   * @throws NothingToPickUp if it is
   */
  noteLost(): void;
  /** The keeper could not be used. The provider is asked directly. */
  noteKeeperFailed(error: unknown): void;
}
