import type { MongoDBSaverOptions } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type CommandStartedEvent, type MongoClientOptions } from "mongodb";
import { MongoClient as MongoClient6 } from "mongodb-6";
import { createRequire } from "node:module";

/** A client of an application, of whatever copy of the driver and with whatever options. */
export interface OpenClient {
  readonly client: MongoDBSaverOptions["client"];
  /** The commands that it has sent since the last call. */
  takeCommands(): CommandStartedEvent[];
  close(): Promise<void>;
}

/** How an application comes to its client. */
export interface ClientCase {
  readonly name: string;
  open(uri: string): Promise<OpenClient>;
}

/** What the versions of mongoose have in common; their types only know the name `mongoose`. */
interface Mongoose {
  createConnection(uri: string, options: object): { asPromise(): Promise<MongooseConnection> };
}

interface MongooseConnection {
  getClient(): AnyClient;
  close(): Promise<void>;
}

const require = createRequire(import.meta.url);
const mongoose8 = require("mongoose-8") as Mongoose;
const mongoose9 = require("mongoose-9") as Mongoose;

/** What all clients here have: their events show the commands. */
const MONITORED = { monitorCommands: true };

/** A client without options of its own. */
export const PLAIN: ClientCase = byDriver7("the workspace's own driver", {});

/** Clients of other copies of the driver than the saver's. */
export const OTHER_COPIES: readonly ClientCase[] = [
  {
    name: "mongodb 6.20",
    open: async (uri) => watch(new MongoClient6(uri, MONITORED)),
  },
  {
    name: "mongodb 6.20 that decodes nothing",
    open: async (uri) => watch(new MongoClient6(uri, { ...MONITORED, promoteValues: false })),
  },
  {
    name: "mongoose 8",
    open: async (uri) => {
      const connection = await mongoose8.createConnection(uri, MONITORED).asPromise();
      return watch(connection.getClient(), () => connection.close());
    },
  },
  {
    name: "mongoose 9",
    open: async (uri) => {
      const connection = await mongoose9.createConnection(uri, MONITORED).asPromise();
      return watch(connection.getClient(), () => connection.close());
    },
  },
];

/** Options that change how values are written and read, where the application asks for nothing else. */
const BSON_OPTIONS: readonly MongoClientOptions[] = [
  { promoteBuffers: true },
  { promoteValues: false },
  { promoteLongs: false },
  { raw: true },
  { useBigInt64: true },
  { ignoreUndefined: false },
  { ignoreUndefined: true },
  { serializeFunctions: true },
  { checkKeys: true },
  { fieldsAsRaw: { writes: true, body: true, segments: true } },
  { bsonRegExp: true },
  { enableUtf8Validation: false },
  { forceServerObjectId: true, pkFactory: { createPk: () => "made by the application" } },
];

/** Options that say how sure of a write, or how fresh a read, the application wants to be. */
const CONCERNS: readonly MongoClientOptions[] = [
  { retryWrites: false, retryReads: false },
  { readPreference: "secondaryPreferred" },
  { readConcern: { level: "local" } },
  { writeConcern: { w: 0 } },
  { writeConcern: { w: 1, journal: false } },
];

/** Options of the connection. */
const CONNECTION_OPTIONS: readonly MongoClientOptions[] = [
  { compressors: ["zlib"] },
  { appName: "the application", maxPoolSize: 1, directConnection: true },
  { serverApi: { version: "1", strict: false, deprecationErrors: true } },
];

/** Clients with options that an application may have for its own sake. */
export const OTHER_OPTIONS: readonly ClientCase[] = [
  ...BSON_OPTIONS,
  ...CONCERNS,
  ...CONNECTION_OPTIONS,
  // All at once, but for `checkKeys`: with it and a read preference, the driver never connects.
  {
    promoteBuffers: true,
    promoteLongs: false,
    serializeFunctions: true,
    bsonRegExp: true,
    enableUtf8Validation: false,
    retryWrites: false,
    readPreference: "secondaryPreferred" as const,
    readConcern: { level: "local" as const },
    writeConcern: { w: 0 },
  },
].map((options) => byDriver7(JSON.stringify(options), options));

function byDriver7(name: string, options: MongoClientOptions): ClientCase {
  return { name, open: async (uri) => watch(new MongoClient(uri, { ...options, ...MONITORED })) };
}

/** What all copies of the driver have in common: the saver takes each by its type, without a cast. */
type AnyClient = MongoDBSaverOptions["client"] & {
  on(event: "commandStarted", listener: (event: CommandStartedEvent) => void): unknown;
  close(): Promise<void>;
};

function watch(client: AnyClient, close?: () => Promise<void>): OpenClient {
  let commands: CommandStartedEvent[] = [];
  client.on("commandStarted", (event) => commands.push(event));
  return {
    client,
    takeCommands: () => {
      const taken = commands;
      commands = [];
      return taken;
    },
    close: close ?? (() => client.close()),
  };
}
