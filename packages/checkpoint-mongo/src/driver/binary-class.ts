import type { Binary, MongoClient } from "mongodb";
import { OncePerClient } from "./once-per-client.ts";

/** Creates BSON binary values of a subtype. Plain bytes do not need it: a `Uint8Array` is subtype 0. */
export type BinaryClass = new (bytes: Uint8Array, subtype: number) => Binary;

const classes = new OncePerClient<BinaryClass>();

/**
 * The `Binary` class of the client's own copy of the driver. The client refuses BSON classes of another major
 * version. The class is taken from the id of a session.
 *
 * @throws Error if the driver's sessions have no binary id
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
