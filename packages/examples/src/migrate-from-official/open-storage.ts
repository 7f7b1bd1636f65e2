import { MongoClient } from "mongodb";
import { findMongoDB } from "./find-mongodb.ts";
import type { ReportStorage } from "./report-graph.ts";

/** Where the two packages are used: two files that differ in their imports only. */
const FILES = {
  official: "./storage-official.ts",
  threadkeep: "./storage-threadkeep.ts",
} as const;

/** Which of the two packages is used. */
export type PackageName = keyof typeof FILES;

/** Whether a text names one of the two packages. */
export function isPackageName(text: string | undefined): text is PackageName {
  return text !== undefined && Object.hasOwn(FILES, text);
}

interface StorageModule {
  readonly makeStorage: (client: MongoClient, dbName: string) => ReportStorage;
}

/** Opens the database that the environment names, see `.env.example`, with one of the packages. */
export async function openStorage(
  name: PackageName,
  environment: NodeJS.ProcessEnv,
): Promise<ReportStorage & AsyncDisposable> {
  const { makeStorage } = (await import(FILES[name])) as StorageModule;
  const mongodb = await findMongoDB(environment);
  const client = new MongoClient(mongodb.uri);
  const dbName = environment["MONGODB_DB"] || "migrate_from_official";
  return {
    ...makeStorage(client, dbName),
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await mongodb[Symbol.asyncDispose]();
    },
  };
}
