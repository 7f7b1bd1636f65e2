import { MongoClient, MongoServerError } from "mongodb";

const ALREADY_INITIALIZED = 23;

/**
 * Waits until the server at `port` takes writes, after making it a replica set of one where asked.
 *
 * @param until Repeats a check until it gives a value, or throws when it is time to give up.
 */
export async function becomePrimary(
  port: number,
  replicaSet: string | undefined,
  until: <T>(check: () => Promise<T | undefined>) => Promise<T>,
): Promise<void> {
  const host = `127.0.0.1:${port}`;
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, {
    serverSelectionTimeoutMS: 2000,
  });
  const admin = client.db("admin");
  const connected = async <T>(command: () => Promise<T>): Promise<T | undefined> =>
    command().catch((error: unknown) => {
      // The server has answered: its answer is final. Anything else means that it is not up yet.
      if (error instanceof MongoServerError) throw error;
      return undefined;
    });
  try {
    if (replicaSet !== undefined) {
      const config = { _id: replicaSet, members: [{ _id: 0, host }] };
      await until(() =>
        connected(() =>
          admin.command({ replSetInitiate: config }).catch((error: unknown) => {
            // The reply to an earlier attempt was lost.
            if (error instanceof MongoServerError && error.code === ALREADY_INITIALIZED) return {};
            throw error;
          }),
        ),
      );
    }
    await until(async () => {
      const hello = await connected(() => admin.command({ hello: 1 }));
      return hello?.["isWritablePrimary"] === true ? true : undefined;
    });
  } finally {
    await client.close();
  }
}
