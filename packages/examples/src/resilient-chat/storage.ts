import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { findMongoDB } from "./find-mongodb.ts";

/** Storage that is open, and closes with its connection. */
export interface Storage extends AsyncDisposable {
  readonly saver: MongoDBSaver;
}

/** Opens the database that the environment names, see `.env.example`. */
export async function openStorage(environment: NodeJS.ProcessEnv): Promise<Storage> {
  const mongodb = await findMongoDB(environment);
  const saver = MongoDBSaver.fromConnString(mongodb.uri, {
    dbName: environment["MONGODB_DB"] || "threadkeep_chat",
  });
  return {
    saver,
    [Symbol.asyncDispose]: async () => {
      await saver.close();
      await mongodb[Symbol.asyncDispose]();
    },
  };
}
