import { PerClient } from "./per-client.ts";

/**
 * Work that is done once in this process for a client and a key, and its outcome. Who comes while it
 * is under way waits for it; if it fails, all of these fail with it, and the next one tries again.
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
   * Lets the next one do the work again.
   *
   * @param outcome not if there is another one by now
   */
  forget(client: object, key: string, outcome?: Promise<T>): void {
    this.#outcomes.forget(client, key, outcome);
  }
}
