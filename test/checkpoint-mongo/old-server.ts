import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import type { Document } from "mongodb";
import type { Handle } from "../network/command-proxy.ts";
import { connectThrough } from "./connect-through.ts";
import type { TestDatabase } from "./use-database.ts";

/** The wire version of MongoDB 7.0, which cannot write to several collections by one command. */
const WIRE_VERSION = 21;

/** What servers before 5.1 reply to a `$lookup` from a sharded collection. */
const NOT_FROM_SHARDED = {
  ok: 0,
  code: 28_769,
  errmsg: "threadkeep_threads cannot be sharded",
};

/** What MongoDB 7.0 replies to the `bulkWrite` command. */
const NO_SUCH_COMMAND = { ok: 0, code: 59, errmsg: "no such command: 'bulkWrite'" };

/** What kind of server it is. */
export interface Server {
  /** It says that it is MongoDB 7.0, and has no `bulkWrite` command. */
  readonly isBefore8: boolean;
  /** It says that it is the router of a sharded cluster, and nothing can be joined there. */
  readonly isRouter: boolean;
}

/** Makes a server look like another. */
export function disguise({ isBefore8, isRouter }: Server): Handle {
  return async (command, send) => {
    if (isBefore8 && "bulkWrite" in command) return NO_SUCH_COMMAND;
    if (isRouter && joins(command)) return NOT_FROM_SHARDED;
    const reply = await send(command);
    if (!("maxWireVersion" in reply)) return reply;
    return {
      ...reply,
      ...(isBefore8 && { maxWireVersion: WIRE_VERSION }),
      // Just to who asks: the driver, which would go by it too, asks with this.
      ...(isRouter && !("helloOk" in command) && { msg: "isdbgrid" }),
    };
  };
}

/** A saver on a server that is old in every way. */
export async function openOnOldServer(
  { uri, name }: Pick<TestDatabase, "uri" | "name">,
  settings: MongoDBSaverSettings = {},
): Promise<MongoDBSaver> {
  const client = await connectThrough(uri, disguise({ isBefore8: true, isRouter: true }));
  return new MongoDBSaver({ dbName: name, ...settings, client });
}

function joins(command: Document): boolean {
  const stages = (command["pipeline"] ?? []) as readonly Document[];
  return "aggregate" in command && stages.some((stage) => "$lookup" in stage);
}
