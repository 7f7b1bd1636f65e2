import { PerClient } from "./per-client.ts";

/**
 * Work that is done once in this process for a client and a key. Callers that come while it is under way wait
 * for it and share its outcome. If it fails, the next caller tries again.
 */
export class OncePerClient<T> {
  readonly #outcomes = new PerClient<Promise<T>>();

  /** Does the work, unless it has been done. */
  do(client: object, key: string, work: () => Promise<T>): Promise<T> {
    return this.#outcomes.get(client, key, () => {
      const outcome: Promise<T> = work().catch((error: unknown) => {
        this.#outcomes.forget(client, key, outcome);
        throw error;
      });
      return outcome;
    });
  }

  /**
   * Lets the next caller do the work again.
   *
   * @param outcome nothing is forgotten if there is another outcome by now
   */
  forget(client: object, key: string, outcome?: Promise<T>): void {
    this.#outcomes.forget(client, key, outcome);
  }
}
