import { z } from "zod";
import { checkOptions } from "../options/check-options.ts";
import { objectWith } from "../options/value-schemas.ts";

/** What is used of a client of the `mongodb` driver, whichever copy it comes from. */
export interface MongoClientLike {
  /** Opens a database. */
  db(name?: string): object;
}

/** Options of {@link MongoDBCallJournal}. */
export interface MongoDBCallJournalOptions {
  /**
   * A client of the `mongodb` driver, 6.20 or later, in any copy of it, for example
   * `mongoose.connection.getClient()`. The journal never closes it.
   */
  readonly client: MongoClientLike;

  /**
   * Database name.
   *
   * @default the database of the connection string, else `test`
   */
  readonly dbName?: string | undefined;

  /**
   * The collection of the entries.
   *
   * @default "threadkeep_calls"
   */
  readonly collectionName?: string | undefined;

  /**
   * Seconds that an entry stays after it was written or read, by the server's clock. Give it the TTL of your
   * threads: an entry is of use as long as its task may run again.
   *
   * @default 604_800 (7 days)
   */
  readonly ttlSeconds?: number | undefined;
}

/** The name of a database or a collection. */
export const collectionName: z.ZodString = z
  .string()
  .min(1)
  .refine((text) => !/[$\0]/.test(text), "a name without $ and NUL");

/** Where something is stored. */
export const mongoPlace: {
  readonly client: z.ZodCustom<MongoClientLike>;
  readonly dbName: z.ZodOptional<z.ZodString>;
} = { client: objectWith<MongoClientLike>("db"), dbName: collectionName.optional() };

const schema = z.strictObject({
  ...mongoPlace,
  collectionName: collectionName.default("threadkeep_calls"),
  ttlSeconds: z.number().positive().default(604_800),
});

/** Checked options with their defaults. */
export interface ResolvedMongoOptions {
  readonly client: MongoClientLike;
  readonly dbName: string | undefined;
  readonly collectionName: string;
  readonly ttlSeconds: number;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws InvalidOptionsError if any of them is wrong, with all that are
 */
export function resolveMongoOptions(options: MongoDBCallJournalOptions): ResolvedMongoOptions {
  const { dbName, ...rest } = checkOptions("MongoDBCallJournal", schema, options);
  return { ...rest, dbName };
}
