/** Whoever waits tries again and says whether it has left the line. It must not throw. */
export type TryAgain = () => boolean;

/** A queue of calls that wait for the same thing: first come, first served. */
export class WaitingLine {
  #waiting: TryAgain[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Joins the end of the line. The returned function leaves it. */
  join(tryAgain: TryAgain): () => void {
    this.#waiting.push(tryAgain);
    return () => {
      const wasWaiting = this.#waiting.includes(tryAgain);
      this.#waiting = this.#waiting.filter((other) => other !== tryAgain);
      // Whoever comes next may need less.
      if (wasWaiting) this.advance();
    };
  }

  /** Lets them try again from the first on, until one has to stay. */
  advance(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (!first?.()) return;
      this.#waiting = this.#waiting.filter((other) => other !== first);
    }
  }
}
