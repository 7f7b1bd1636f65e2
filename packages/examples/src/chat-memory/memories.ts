import type { BaseStore } from "@langchain/langgraph-checkpoint";
import { createHash } from "node:crypto";

/** So many facts go into a prompt. */
const MAX_FACTS = 50;

/** What is known of one user, in whichever conversation it was told: the long-term memory. */
export class Memories {
  readonly #store: BaseStore;
  readonly #namespace: string[];

  constructor(store: BaseStore, userId: string) {
    this.#store = store;
    this.#namespace = ["users", userId, "facts"];
  }

  async recall(): Promise<string[]> {
    const items = await this.#store.search(this.#namespace, { limit: MAX_FACTS });
    return items.map((item) => String(item.value["fact"]));
  }

  /** The key comes from the fact: noted twice, by a run that was repeated for instance, it is there once. */
  async note(facts: readonly string[]): Promise<void> {
    for (const fact of facts) {
      const key = createHash("sha256").update(fact.toLowerCase()).digest("hex").slice(0, 16);
      await this.#store.put(this.#namespace, key, { fact });
    }
  }
}
