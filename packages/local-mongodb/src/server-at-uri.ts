import { MongoClient } from "mongodb";

/**
 * The version a server says it has.
 *
 * @throws MongoServerSelectionError if it cannot be reached within 10 seconds, or within the
 * `serverSelectionTimeoutMS` of the connection string.
 */
export async function askVersion(uri: string): Promise<string> {
  const hasOwnLimit = /[?&]serverSelectionTimeoutMS=/i.test(uri);
  const client = new MongoClient(uri, hasOwnLimit ? {} : { serverSelectionTimeoutMS: 10_000 });
  try {
    const { version } = await client.db("admin").command({ buildInfo: 1 });
    return String(version);
  } finally {
    await client.close();
  }
}

/** A connection string fit for a log: without the password. */
export function hidePassword(uri: string): string {
  return uri.replace(/^(mongodb(?:\+srv)?:\/\/[^:@/]*):[^@]*@/, "$1:***@");
}
