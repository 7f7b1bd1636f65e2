import type { Collection, Document, MongoClient, ObjectId } from "mongodb";
import { inspect, isDeepStrictEqual } from "node:util";
import { COLLECTION } from "../../checkpoint-mongo/collection-name.ts";
import { readThread } from "./attempt.ts";
import { examine, type Finding } from "./examine.ts";
import { FreshSavers } from "./fresh-savers.ts";
import { listMutations, type Mutation } from "./mutations.ts";
import { BESIDE, DAMAGED, type Variant } from "./threads.ts";

/** What became of one mutation. */
export interface Result {
  readonly variant: string;
  readonly mutation: Mutation;
  readonly finding: Finding;
  /** How long everything took that was tried after it. */
  readonly seconds: number;
}

/** Everything that is tried after one mutation takes less than a second. */
const LIMIT_SECONDS = 120;

/**
 * Writes two threads, and damages one of them in every way that `choose` takes, each from the start.
 *
 * @param choose picks from all mutations of a variant
 * @throws Error if what is tried after a mutation does not end: it would have no place in a table
 */
export async function* damageThreads(
  client: MongoClient,
  dbName: string,
  variant: Variant,
  choose: (mutations: readonly Mutation[]) => readonly Mutation[],
): AsyncGenerator<Result> {
  const collection = client.db(dbName).collection(COLLECTION);
  const keys = client.db(dbName).collection(COLLECTION.replace(/threads$/, "keys"));
  const savers = await FreshSavers.start(client, dbName, variant);
  const open = savers.open;
  const writer = open();
  await variant.write(writer, DAMAGED);
  await variant.write(writer, BESIDE);
  const documents = await collection.find({}).sort({ _id: 1 }).toArray();
  const dataKeys = await keys.find({}).toArray();
  const damaged = await readThread(open(), DAMAGED);
  const beside = await readThread(open(), BESIDE);
  for (const mutation of choose(listMutations(documents, variant.kinds))) {
    await restore(collection, documents);
    // Before the damage, because a setup lets the server remove what has expired.
    if (dataKeys.length === 0) await savers.renew();
    else {
      // A deletion takes the data key along, and a process may remember another one since.
      await restore(keys, dataKeys);
      await savers.restart();
    }
    if (!(await apply(collection, mutation))) continue;
    const startMs = performance.now();
    const isDeleted = touchesDeletion(mutation);
    const found = await orFail(mutation, examine(open, damaged, beside, { isDeleted }));
    const seconds = (performance.now() - startMs) / 1_000;
    const isGone = found.verdict === "lost silently" && mutation.instead.length === 0;
    const finding: Finding = isGone ? { ...found, verdict: "gone as a whole" } : found;
    yield { variant: variant.name, mutation, finding, seconds };
  }
}

async function orFail<T>({ kind, field, what }: Mutation, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new Error(`No end after ${LIMIT_SECONDS} s: ${kind}, ${field}, ${what}`));
  }, LIMIT_SECONDS * 1_000);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a deletion goes by. */
const DELETION_GOES_BY: ReadonlySet<string> = new Set(["document", "thread_id", "kind", "epoch"]);

function touchesDeletion({ kind, field }: Mutation): boolean {
  return kind === "thread" || DELETION_GOES_BY.has(field);
}

/** Makes the collection as it was, by what differs. */
async function restore(collection: Collection, documents: readonly Document[]): Promise<void> {
  const wanted = new Map(documents.map((document) => [keyOf(document), document]));
  const extra: unknown[] = [];
  for await (const found of collection.find({})) {
    const key = keyOf(found);
    const original = wanted.get(key);
    if (original !== undefined && isDeepStrictEqual(found, original)) wanted.delete(key);
    else extra.push(found._id);
  }
  if (extra.length > 0) await collection.deleteMany({ _id: { $in: extra as never[] } });
  if (wanted.size > 0) await collection.insertMany([...wanted.values()], { ordered: false });
}

function keyOf({ _id: id }: Document): string {
  return inspect(id);
}

/** @returns whether it could be done: unique indexes refuse some */
async function apply(collection: Collection, { original, instead }: Mutation): Promise<boolean> {
  try {
    await collection.deleteOne({ _id: original._id as ObjectId });
    if (instead.length > 0) await collection.insertMany([...instead], { ignoreUndefined: false });
    return true;
  } catch (error) {
    if ((error as { readonly code?: number }).code === 11_000) return false;
    throw error;
  }
}
