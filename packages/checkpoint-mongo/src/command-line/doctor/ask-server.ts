import type { Db, Document } from "mongodb";

/** Asks the server; undefined if it does not know the command, or does not tell this user. */
export async function askServer(db: Db, command: Document): Promise<Document | undefined> {
  try {
    return await db.command(command);
  } catch (error) {
    const { name } = error as { readonly name?: unknown };
    // Whatever the server answers is an answer. That it does not answer is for the caller.
    if (name === "MongoServerError" || name === "MongoCompatibilityError") return undefined;
    throw error;
  }
}
