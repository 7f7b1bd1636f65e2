import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { Binary, type Db, type MongoClient } from "mongodb";
import { createHash } from "node:crypto";
import type { Bench, Outcome } from "../../harness/benchmark.ts";
import { connect } from "../../harness/connect.ts";
import { sampleMs } from "../../harness/durations.ts";
import { countExamined } from "../../harness/explain.ts";
import { median } from "../../harness/percentile.ts";

const THREADS = 100_000;
const BATCH = 1_000;
const SAMPLES = 15;

/** Searches over many threads. What they look at is stored as savers store it, without the rest of the threads. */
export async function searchManyThreads({ database, turns, progress }: Bench): Promise<Outcome> {
  if (database === undefined) throw new Error("This benchmark needs a MongoDB.");
  const client = await connect(database, { monitorCommands: true });
  try {
    const db = client.db(database.name);
    const count = Math.ceil((THREADS * turns) / 100);
    for (let first = 0; first < count; first += BATCH) {
      await insertThreads(db, first, Math.min(BATCH, count - first));
      progress(first, count);
    }
    const saver = new MongoDBSaver({ client, dbName: database.name });
    const searches = {
      // One thread in 1,000 has failed, and as many are of each user.
      status: () => saver.threads.search({ status: "error" }),
      metadata: () => saver.threads.search({ metadata: { user: "u7" } }),
      both: () => saver.threads.search({ metadata: { user: "u0" }, status: "error" }),
    };
    return {
      searchStatusMs: await measure(searches.status),
      searchMetadataMs: await measure(searches.metadata),
      searchBothMs: await measure(searches.both),
      searchExaminedMax: await examineMost(client, db, Object.values(searches)),
    };
  } finally {
    await client.close();
  }
}

async function measure(search: () => Promise<unknown>): Promise<number> {
  await search();
  return median(await sampleMs(search, { atMost: SAMPLES }));
}

async function examineMost(
  client: MongoClient,
  db: Db,
  searches: readonly (() => Promise<unknown>)[],
): Promise<number> {
  const examined: number[] = [];
  for (const search of searches) examined.push(await countExamined(client, db, search));
  return Math.max(...examined);
}

async function insertThreads(db: Db, first: number, count: number): Promise<void> {
  const threads = Array.from({ length: count }, (_, offset) => first + offset);
  const start = Date.UTC(2026, 0, 1);
  const documents = threads.flatMap((number) => {
    const threadId = `thread ${number}`;
    const user = `u${number % 1_000}`;
    const at = new Date(start + ((number * 7_919) % THREADS) * 1_000);
    return [
      {
        _id: threadId as never,
        thread_id: threadId,
        kind: "thread",
        epoch: 0,
        created_at: at,
        metadata: JSON.stringify({ user }),
        fields: [`"user"string:${user}`],
      },
      {
        _id: new Binary(createHash("sha256").update(threadId).digest().subarray(0, 16)) as never,
        thread_id: threadId,
        kind: "checkpoint",
        checkpoint_ns: "",
        checkpoint_id: String(number),
        seq: 1,
        head: true,
        stands: { code: number % 1_000 === 0 ? 3 : Number(number % 20 === 1), at },
        metadata: { step: 1 },
      },
    ];
  });
  await db.collection("threadkeep_threads").insertMany(documents, { ordered: false });
}
