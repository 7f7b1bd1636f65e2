import { MemorySaver, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver as OfficialMongoDBSaver } from "@langchain/langgraph-checkpoint-mongodb";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { CommandLog } from "./command-log.ts";
import { connect } from "./connect.ts";
import { sumMemoryBytes, sumStoredBytes } from "./stored-bytes.ts";

/** What is compared, with the names tables use. */
export const saverLabels = {
  threadkeep: "threadkeep",
  encrypted: "threadkeep, encrypted",
  official: "official MongoDB saver",
  memory: "MemorySaver",
  none: "no checkpointer",
} as const;

export type SaverName = keyof typeof saverLabels;

export const saverNames = Object.keys(saverLabels) as SaverName[];

/** Whether a saver stores on a server. */
export function needsServer(name: SaverName): name is ServerSaverName {
  return name === "threadkeep" || name === "encrypted" || name === "official";
}

/** A saver that stores on a server. */
export type ServerSaverName = Exclude<SaverName, "memory" | "none">;

/** A saver ready for use, and what can be seen of it from outside. */
export interface OpenSaver extends AsyncDisposable {
  /** Undefined for LangGraph without a checkpointer. */
  readonly saver: BaseCheckpointSaver | undefined;
  /** The commands its driver sends; none for savers without a server. */
  readonly commands: CommandLog;
  /** Bytes it stores now. Undefined for LangGraph without a checkpointer. */
  countBytesStored(): Promise<number | undefined>;
}

/** Where a saver on a server stores. */
export interface Database {
  /** The server as the savers reach it. */
  readonly uri: string;
  /** The server without what the mode adds to a round trip. */
  readonly directUri: string;
  readonly name: string;
  /** Whether one command may write to several collections, as MongoDB 8.0 can. */
  readonly clientBulkWrite: boolean;
  /** The id of the server's process, if it was started for the case. */
  readonly serverPid?: number | undefined;
}

/** Opens a saver and sets it up, so that no measured call pays for connecting or indexes. */
export async function openSaver(
  name: SaverName,
  database: Database | undefined,
): Promise<OpenSaver> {
  if (name === "none") return withoutServer(undefined, () => undefined);
  if (name === "memory") {
    const saver = new MemorySaver();
    return withoutServer(saver, () => sumMemoryBytes(saver));
  }
  if (database === undefined) throw new Error(`The saver "${name}" needs a MongoDB.`);
  const client = await connect(database, { monitorCommands: true });
  // A client of its own, so that counting bytes does not count as commands.
  const observer = await MongoClient.connect(database.directUri);
  const saver = makeSaver(name, client, database.name);
  const failures = (await saver.setup()) ?? [];
  for (const failure of failures) throw failure;
  return {
    saver,
    commands: new CommandLog(client),
    countBytesStored: () => sumStoredBytes(observer.db(database.name)),
    async [Symbol.asyncDispose]() {
      await client.close();
      await observer.close();
    },
  };
}

/** A saver on a server, not set up. */
export function makeSaver(
  name: ServerSaverName,
  client: MongoClient,
  dbName: string,
): BaseCheckpointSaver & { setup(): Promise<void | readonly unknown[]> } {
  if (name === "threadkeep") return new MongoDBSaver({ client, dbName });
  if (name === "encrypted") {
    const keys = { bench: "a master key of at least 32 bytes, for the benchmark" };
    return new MongoDBSaver({ client, dbName, encryption: { keys, currentKeyId: "bench" } });
  }
  // It is typed for the driver's version 6 and works with 7: both savers get the same driver.
  type OfficialClient = ConstructorParameters<typeof OfficialMongoDBSaver>[0]["client"];
  return new OfficialMongoDBSaver({ client: client as unknown as OfficialClient, dbName });
}

function withoutServer(
  saver: BaseCheckpointSaver | undefined,
  countBytes: () => number | undefined,
): OpenSaver {
  return {
    saver,
    commands: new CommandLog(),
    countBytesStored: () => Promise.resolve(countBytes()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
