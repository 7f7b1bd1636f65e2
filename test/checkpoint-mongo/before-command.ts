import type { Collection, MongoClient } from "mongodb";
import { interceptCollections } from "./intercept-collections.ts";

const WRITES_AND_SINGLE_READS = [
  "findOne",
  "findOneAndUpdate",
  "updateOne",
  "updateMany",
  "deleteOne",
  "deleteMany",
  "bulkWrite",
] as const;

type Method = (...parameters: unknown[]) => Promise<unknown>;

/** Lets something happen just before one of the commands that a client sends. */
export class BeforeCommand {
  #left = 0;
  #action: (() => Promise<unknown>) | undefined;

  constructor(client: MongoClient) {
    interceptCollections(client, (collection) => this.#intercept(collection));
  }

  /**
   * Does something while the next thing that happens before the command of a number, counted from 1.
   *
   * @returns whether there was such a command
   */
  async during(
    number: number,
    action: () => Promise<unknown>,
    operation: () => Promise<unknown>,
  ): Promise<boolean> {
    this.#left = number;
    this.#action = action;
    await operation();
    const isDone = this.#action === undefined;
    this.#action = undefined;
    return isDone;
  }

  async #wait(): Promise<void> {
    const action = this.#action;
    this.#left -= 1;
    if (this.#left > 0 || action === undefined) return;
    this.#action = undefined;
    await action();
  }

  #intercept(collection: Collection): void {
    for (const name of WRITES_AND_SINGLE_READS) {
      const send = (collection[name] as Method).bind(collection);
      Object.assign(collection, {
        [name]: async (...parameters: unknown[]) => {
          await this.#wait();
          return send(...parameters);
        },
      });
    }
    for (const name of ["find", "aggregate"] as const) {
      const open = (collection[name] as (...parameters: unknown[]) => Cursor).bind(collection);
      Object.assign(collection, {
        [name]: (...parameters: unknown[]) => this.#interceptCursor(open(...parameters)),
      });
    }
  }

  #interceptCursor(cursor: Cursor): Cursor {
    const wait = () => this.#wait();
    const toArray = cursor.toArray.bind(cursor);
    const iterate = cursor[Symbol.asyncIterator].bind(cursor);
    return Object.assign(cursor, {
      toArray: async () => {
        await wait();
        return toArray();
      },
      async *[Symbol.asyncIterator]() {
        await wait();
        yield* { [Symbol.asyncIterator]: iterate };
      },
    });
  }
}

interface Cursor extends AsyncIterable<unknown> {
  toArray(): Promise<unknown[]>;
}
