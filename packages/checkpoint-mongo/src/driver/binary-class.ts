import type { Binary, MongoClient } from "mongodb";
import { OncePerClient } from "./once-per-client.ts";

/** Makes BSON binary values of a subtype. Plain bytes need none: a `Uint8Array` is subtype 0. */
export type BinaryClass = new (bytes: Uint8Array, subtype: number) => Binary;

const classes = new OncePerClient<BinaryClass>();

/**
 * The `Binary` class of the client's own copy of the driver, the only one it takes: BSON classes of
 * another major version are refused. The id of each session is one.
 *
 * @throws Error if the driver's sessions have no such id
 */
export function findBinaryClass(client: MongoClient): Promise<BinaryClass> {
  return classes.do(client, "", () => readSessionId(client));
}

async function readSessionId(client: MongoClient): Promise<BinaryClass> {
  const session = client.startSession();
  try {
    const id = session.id?.["id"] as { _bsontype?: unknown; constructor: BinaryClass } | undefined;
    if (id?._bsontype !== "Binary") throw new Error("The driver's sessions have no binary id.");
    return id.constructor;
  } finally {
    await session.endSession();
  }
}
