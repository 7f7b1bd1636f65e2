import type { CommandSucceededEvent, MongoClient } from "mongodb";

/** Counts what a client sends to its server, by the driver's command monitoring. */
export class CommandLog {
  #commands = 0;
  #documentsRead = 0;

  /** @param client made with `monitorCommands: true`; without one nothing is ever counted */
  constructor(client?: MongoClient) {
    client?.on("commandStarted", () => {
      this.#commands += 1;
    });
    client?.on("commandSucceeded", (event) => {
      this.#documentsRead += countRead(event);
    });
  }

  /** Commands sent so far; each further batch of a cursor is one. */
  get commands(): number {
    return this.#commands;
  }

  /** Documents received so far, also those that came within another one (`$lookup`). */
  get documentsRead(): number {
    return this.#documentsRead;
  }
}

interface CursorReply {
  readonly cursor?: {
    readonly firstBatch?: readonly unknown[];
    readonly nextBatch?: readonly unknown[];
  };
}

function countRead({ reply }: CommandSucceededEvent): number {
  const { cursor } = reply as CursorReply;
  return countDocuments(cursor?.firstBatch ?? cursor?.nextBatch ?? []);
}

/** What has an `_id` is a document. */
function countDocuments(values: readonly unknown[]): number {
  return values.reduce<number>((count, value) => {
    if (typeof value !== "object" || value === null || !("_id" in value)) return count;
    const lists = Object.values(value).filter((field) => Array.isArray(field)) as unknown[][];
    return lists.reduce((sum, list) => sum + countDocuments(list), count + 1);
  }, 0);
}
