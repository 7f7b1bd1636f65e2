/** Said so often in one call, nothing is what there is to say. */
const CONFIRMING_ANSWERS = 2;

/**
 * The last answer of a call that said nothing. It is better than an error if all that were asked after it
 * had nothing to say either, or if it was confirmed. A single one before a failure may have been a fault.
 */
export class LastResort<Answer> {
  #answer: Answer | undefined;
  #answers = 0;
  #isLatest = false;

  /**
   * Notes how an attempt ended.
   *
   * @param answer What it said, if that was nothing. `undefined`: it failed in another way.
   */
  note(answer: Answer | undefined): void {
    this.#isLatest = answer !== undefined;
    if (answer === undefined) return;
    this.#answer = answer;
    this.#answers += 1;
  }

  /** The answer to hand out if nobody has more to say. */
  get answer(): Answer | undefined {
    return this.#isLatest || this.#answers >= CONFIRMING_ANSWERS ? this.#answer : undefined;
  }
}
