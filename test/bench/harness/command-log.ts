import type { CommandSucceededEvent, MongoClient } from "mongodb";

/** Counts what a client sends to its server, by the driver's command monitoring. */
export class CommandLog {
  #commands = 0;
  #segmentsRead = 0;

  /** @param client made with `monitorCommands: true`; without one nothing is ever counted */
  constructor(client?: MongoClient) {
    client?.on("commandStarted", () => {
      this.#commands += 1;
    });
    client?.on("commandSucceeded", (event) => {
      this.#segmentsRead += countSegments(event);
    });
  }

  /** Commands sent so far; each further batch of a cursor is one. */
  get commands(): number {
    return this.#commands;
  }

  /** Documents of segments received so far. */
  get segmentsRead(): number {
    return this.#segmentsRead;
  }
}

interface CursorReply {
  readonly cursor?: {
    readonly ns: string;
    readonly firstBatch?: readonly unknown[];
    readonly nextBatch?: readonly unknown[];
  };
}

function countSegments({ reply }: CommandSucceededEvent): number {
  const { cursor } = reply as CursorReply;
  if (cursor?.ns.endsWith("segments") !== true) return 0;
  return (cursor.firstBatch ?? cursor.nextBatch ?? []).length;
}
