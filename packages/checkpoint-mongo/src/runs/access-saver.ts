import type { SaverContext } from "../context/context.ts";
import type { TypedBytes } from "../records/value-writer.ts";
import type { MongoDBSaver } from "../saver/mongodb-saver.ts";
import { RunStore } from "./run-store.ts";

/** What the calls of this room work with. */
export interface RunContext {
  readonly context: SaverContext;
  readonly store: RunStore;
}

/**
 * A saver, as this room uses it: its database, its serializer, its options and its errors. They are private to the
 * saver's users.
 */
export class SaverAccess {
  readonly saver: MongoDBSaver;
  readonly #expiresAfterMs: number | undefined;

  /** @param expiresAfterMs how long ended runs stay; undefined for ever */
  constructor(saver: MongoDBSaver, expiresAfterMs: number | undefined) {
    this.saver = saver;
    this.#expiresAfterMs = expiresAfterMs;
  }

  /** Does something with the runs of the saver. */
  reach<T>(name: string, act: (run: RunContext) => Promise<T>): Promise<T> {
    return this.saver["reach"](name, async (context) => {
      const store = await RunStore.open(this.saver["client"], context, this.#expiresAfterMs);
      return act({ context, store });
    });
  }

  /** Encodes a value before it returns, unless the user's serializer takes longer. */
  encode(value: unknown, what: string): TypedBytes | Promise<TypedBytes> {
    return this.saver["serializer"].createWriter().writeValue(value, what);
  }

  /** Makes the indexes, also if this process has done so before. */
  async setUp(): Promise<void> {
    await this.saver["reach"]("setup of runs", (context) => {
      RunStore.forget(this.saver["client"], context);
      return RunStore.open(this.saver["client"], context, this.#expiresAfterMs);
    });
  }
}
