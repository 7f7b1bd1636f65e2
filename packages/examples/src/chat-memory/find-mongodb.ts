import { mkdir } from "node:fs/promises";
import { join } from "node:path";

/** A MongoDB to work with. */
export interface FoundMongoDB extends AsyncDisposable {
  readonly uri: string;
}

/**
 * The MongoDB of `MONGODB_URI`, else one that is started here. The first time it is downloaded. It
 * keeps its files in the folder `.mongodb`, so what is stored outlives the process.
 *
 * @throws Error that says what to do if there is no MongoDB
 */
export async function findMongoDB(environment: NodeJS.ProcessEnv): Promise<FoundMongoDB> {
  const uri = environment["MONGODB_URI"];
  return uri ? { uri, [Symbol.asyncDispose]: async () => {} } : startMongoDB();
}

async function startMongoDB(): Promise<FoundMongoDB> {
  try {
    const { MongoMemoryServer } = await import("mongodb-memory-server-core");
    const dbPath = join(import.meta.dirname, ".mongodb");
    await mkdir(dbPath, { recursive: true });
    console.error("· starting a MongoDB here; the first time about 100 MB are downloaded");
    const server = await MongoMemoryServer.create({
      instance: { dbPath, storageEngine: "wiredTiger" },
    });
    return {
      uri: server.getUri(),
      [Symbol.asyncDispose]: async () => {
        await server.stop({ doCleanup: false });
      },
    };
  } catch (error) {
    throw new Error(
      `No MongoDB could be started here: ${(error as Error).message}\n` +
        "Set MONGODB_URI, in .env for instance, to one that runs. With Docker:\n" +
        "  docker run --detach --publish 27017:27017 mongo:8\n" +
        "  MONGODB_URI=mongodb://127.0.0.1:27017 npm start",
      { cause: error },
    );
  }
}
