import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { startMongoDB } from "@threadkeep/local-mongodb";

/** Where conversations are kept. */
export interface Storage extends AsyncDisposable {
  saver: MongoDBSaver;
  /** Whether they outlive this process. */
  lasting: boolean;
}

/** Opens the database at `MONGODB_URI`; without one, a server that ends with this process. */
export async function openStorage(environment: NodeJS.ProcessEnv): Promise<Storage> {
  const { MONGODB_URI, MONGODB_DB } = environment;
  const local = MONGODB_URI ? undefined : await startMongoDB();
  const saver = MongoDBSaver.fromConnString(MONGODB_URI || local?.uri || "", {
    dbName: MONGODB_DB || "threadkeep_chat",
  });
  return {
    saver,
    lasting: local === undefined,
    [Symbol.asyncDispose]: async () => {
      await saver.close();
      await local?.stop();
    },
  };
}
