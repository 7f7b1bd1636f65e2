import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How long to wait for the MongoDB of a process that was killed, in steps of 100 ms. */
const MAX_STEPS = 100;

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
    await waitUntilFree(dbPath);
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

/** If a process is killed, its MongoDB notices after some seconds. Until then it keeps its files. */
async function waitUntilFree(dbPath: string): Promise<void> {
  const pid = Number(await readFile(join(dbPath, "mongod.lock"), "utf8").catch(() => ""));
  for (let step = 0; step < MAX_STEPS && isRunning(pid); step += 1) await sleep(100);
}

function isRunning(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
}
