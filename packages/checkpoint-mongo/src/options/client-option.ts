import type { MongoClient } from "mongodb";
import { z } from "zod";

/**
 * What this package uses of a `MongoClient`. A client of any copy of the driver will do, whichever copy
 * this package itself resolves: `mongodb` 6.20 or later, 7, or mongoose
 * (`mongoose.connection.getClient()`).
 */
export interface MongoClientLike {
  /** Opens a database. */
  db(dbName?: string, options?: object): object;
  /** Starts a session. */
  startSession(options?: object): object;
  /** Closes all connections. */
  close(force?: boolean): Promise<void>;
}

/** The client to work with. */
export function clientOption(owner: string): z.ZodCustom<MongoClient, MongoClient> {
  return z.custom<MongoClient>(isClient, {
    // Rules about several options are checked nevertheless.
    abort: false,
    error:
      "a MongoClient of the mongodb driver, 6.20 or later (to connect by a connection string use " +
      `${owner}.fromConnString)`,
  });
}

function isClient(value: unknown): boolean {
  const candidate = value as Partial<MongoClientLike> | null | undefined;
  return typeof candidate?.db === "function" && typeof candidate.startSession === "function";
}
