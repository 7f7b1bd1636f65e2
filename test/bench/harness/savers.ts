import { MemorySaver, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver as OfficialMongoDBSaver } from "@langchain/langgraph-checkpoint-mongodb";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { CommandLog } from "./command-log.ts";
import { sumMemoryBytes, sumStoredBytes } from "./stored-bytes.ts";

/** What is compared, with the names tables use. */
export const saverLabels = {
  threadkeep: "threadkeep",
  official: "official MongoDB saver",
  memory: "MemorySaver",
  none: "no checkpointer",
} as const;

export type SaverName = keyof typeof saverLabels;

export const saverNames = Object.keys(saverLabels) as SaverName[];

/** Whether a saver stores on a server. */
export function needsServer(name: SaverName): boolean {
  return name === "threadkeep" || name === "official";
}

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
  readonly uri: string;
  readonly name: string;
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
  const client = await MongoClient.connect(database.uri, { monitorCommands: true });
  // A client of its own, so that counting bytes does not count as commands.
  const observer = await MongoClient.connect(database.uri);
  const saver =
    name === "threadkeep"
      ? await setUpThreadkeep(client, database.name)
      : await setUpOfficial(client, database.name);
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

async function setUpThreadkeep(client: MongoClient, dbName: string): Promise<MongoDBSaver> {
  const saver = new MongoDBSaver({ client, dbName });
  await saver.setup();
  return saver;
}

async function setUpOfficial(client: MongoClient, dbName: string): Promise<BaseCheckpointSaver> {
  // It is typed for the driver's version 6 and works with 7: both savers get the same driver.
  type OfficialClient = ConstructorParameters<typeof OfficialMongoDBSaver>[0]["client"];
  const saver = new OfficialMongoDBSaver({ client: client as unknown as OfficialClient, dbName });
  const [failure] = await saver.setup();
  if (failure !== undefined) throw failure;
  return saver;
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
