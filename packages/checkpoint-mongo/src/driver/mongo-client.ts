import type { MongoClient } from "mongodb";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";

/**
 * What this package uses of a `MongoClient`. The client of any copy of the driver will do, whichever
 * one this package itself resolves: of `mongodb` 6.20 or later, of 7, or of mongoose
 * (`mongoose.connection.getClient()`).
 */
export interface MongoClientLike {
  db(dbName?: string, options?: object): object;
  startSession(options?: object): object;
  close(force?: boolean): Promise<void>;
}

/**
 * Checks that there is a client to work with.
 *
 * @param owner the class whose option it is, for the message
 * @throws InvalidOptionsError if it is no client, or one of a driver that is too old
 */
export function requireClient(client: unknown, owner: string): MongoClient {
  const candidate = client as Partial<MongoClientLike> | null | undefined;
  const isClient =
    typeof candidate?.db === "function" && typeof candidate.startSession === "function";
  if (!isClient) {
    throw new InvalidOptionsError(
      `Invalid option client of ${owner}: expected a MongoClient of the mongodb driver, 6.20 or ` +
        `later. To connect by a connection string use ${owner}.fromConnString(uri).`,
    );
  }
  return client as MongoClient;
}
