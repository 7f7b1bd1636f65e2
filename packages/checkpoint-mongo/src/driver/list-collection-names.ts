import type { Db } from "mongodb";
import { isUnauthorized } from "./server-errors.ts";

/**
 * Which of these collections a database has. A user without the privilege `listCollections` sees only those
 * it has some privilege for, and on some servers none.
 */
export async function listCollectionNames(db: Db, names: readonly string[]): Promise<string[]> {
  const options = { nameOnly: true, authorizedCollections: true };
  try {
    const found = await db.listCollections({ name: { $in: names } }, options).toArray();
    return found.map(({ name }) => name);
  } catch (error) {
    if (!isUnauthorized(error)) throw error;
    return [];
  }
}
