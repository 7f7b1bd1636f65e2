import { Binary, type Db } from "mongodb";

/** The subtype of encrypted bytes. */
export const SEALED = 0x82;

/** Bytes that say nothing of what is stored: made of addresses, keyed hashes, wrapped keys. */
const TELLING_NOTHING = new Set([
  "_id",
  "checkpoint",
  "hash",
  "parent_hash",
  "wrapped",
  "cut",
  "proof",
  "request",
  "life",
  "sets",
]);

/** Every value of all documents of a database, with the name of its field. */
export async function* readLeaves(
  database: Db,
  isWanted: (collection: string) => boolean = () => true,
): AsyncGenerator<readonly [field: string, value: unknown]> {
  for (const { name } of await database.listCollections().toArray()) {
    if (!isWanted(name)) continue;
    const cursor = database.collection(name).find({}, { promoteBuffers: false });
    for await (const document of cursor) yield* listLeaves(document, name);
  }
}

/** Whether a value is bytes that are not encrypted and may tell something, or holds a text. */
export function isTelling(field: string, value: unknown, text: string): boolean {
  if (!(value instanceof Binary)) return String(value).includes(text);
  const isKnown = value.sub_type === SEALED || TELLING_NOTHING.has(field);
  return !isKnown || Buffer.from(value.buffer).includes(text);
}

/** Every value of a document, with the name of its field. */
export function* listLeaves(value: unknown, field: string): Generator<readonly [string, unknown]> {
  if (value instanceof Binary || typeof value !== "object" || value === null) {
    yield [field, value];
  } else if (Array.isArray(value)) {
    for (const item of value) yield* listLeaves(item, field);
  } else {
    for (const [key, entry] of Object.entries(value)) {
      yield [field, key];
      yield* listLeaves(entry, key);
    }
  }
}
