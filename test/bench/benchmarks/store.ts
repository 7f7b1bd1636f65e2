import type { BaseStore, Operation } from "@langchain/langgraph-checkpoint";
import { MongoDBStore as OfficialMongoDBStore } from "@langchain/langgraph-checkpoint-mongodb";
import { MongoDBStore } from "@threadkeep/checkpoint-mongo";
import type { Db, MongoClient } from "mongodb";
import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import { connect } from "../harness/connect.ts";
import { sampleMs } from "../harness/durations.ts";
import { countExamined } from "../harness/explain.ts";
import { median } from "../harness/percentile.ts";
import { figure, type Target } from "../harness/target.ts";
import { itemOf, loadItems, namespaceOf } from "../workloads/items.ts";

/** How many items are there, at 100 per cent. */
const sizes = { "1,000 items": 1_000, "20,000 items": 20_000, "200,000 items": 200_000 } as const;

type Size = keyof typeof sizes;
const variants = Object.keys(sizes) as Size[];

/** The calls of a kind whose median is taken, for each per cent; slow ones are fewer. */
const SAMPLES_PER_CENT = 3;
const GETS_OF_A_BATCH = 20;

/** Long-term memory: of many users, a hundred items each. */
export const store: Benchmark = {
  name: "store",
  description:
    "A store that holds 100 items for each user; get, put, a batch of 20 gets, search by prefix and filter, and listNamespaces, of whichever user",
  turns: 100,
  turnsAre: "per cent of the items",
  savers: ["threadkeep", "official"],
  variants,
  targets: [
    {
      goal: "20,000 items: get at most 1/20 of the official store's time",
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 100,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "storeGetMs", { variant: "20,000 items" }),
        limit: figure(rows, "official", "storeGetMs", { variant: "20,000 items", times: 1 / 20 }),
      }),
    },
    {
      goal: "200,000 items: get at most 2 × as long as with 1,000",
      unit: "milliseconds",
      direction: "at most",
      statedForTurns: 100,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "storeGetMs", { variant: "200,000 items" }),
        limit: figure(rows, "threadkeep", "storeGetMs", { variant: "1,000 items", times: 2 }),
      }),
    },
    ...variants.map((variant): Target => ({
      goal: `${variant}: get examines 1 document, by explain`,
      unit: "count",
      direction: "at most",
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "storeGetExamined", { variant }),
        limit: 1,
      }),
    })),
  ],
  async run(bench) {
    const { database } = bench;
    if (database === undefined) throw new Error("This benchmark needs a MongoDB.");
    const client = await connect(database, { monitorCommands: true });
    try {
      return await measure(bench, client, client.db(database.name));
    } finally {
      await client.close();
    }
  },
};

async function measure(bench: Bench, client: MongoClient, db: Db): Promise<Outcome> {
  const { turns, variant, progress } = bench;
  const count = Math.ceil((sizes[variant as Size] * turns) / 100);
  const opened = openStore(bench, client, db.databaseName);
  await opened.start();
  await loadItems(db.collection("store"), count, progress);
  let turn = 0;
  /** Another item each time, far from the last one. */
  const next = (): number => {
    turn += 1;
    return (turn * 7_919) % count;
  };
  const measureMs = async (doing: string, work: () => Promise<unknown>): Promise<number> => {
    progress(0, 1, doing);
    await work();
    return median(await sampleMs(work, { atMost: SAMPLES_PER_CENT * turns, budgetMs: 10_000 }));
  };
  const get = async (): Promise<void> => {
    const { namespace, key } = itemOf(next());
    if ((await opened.get(namespace, key)) === null) throw new Error(`${key} is not there.`);
  };
  const getMany = async (): Promise<void> => {
    const item = next();
    const first = item - (item % 100);
    const gets: Operation[] = Array.from({ length: GETS_OF_A_BATCH }, (_, index) => ({
      namespace: namespaceOf(first),
      key: itemOf(first + index).key,
    }));
    await opened.batch(gets);
  };
  return {
    storeGetMs: await measureMs("get", get),
    storeGetExamined: await countExamined(client, db, get),
    storeGet20Ms: await measureMs("get of 20", getMany),
    storePutMs: await measureMs("put", async () => {
      const { namespace, key, value } = itemOf(next());
      await opened.put(namespace, key, value);
    }),
    storeSearchMs: await measureMs("search", () =>
      opened.search(namespaceOf(next()), { filter: { kind: "fact" }, limit: 10 }),
    ),
    storeListMs: await measureMs("listNamespaces", () => opened.listNamespaces({ limit: 100 })),
    storeListPrefixMs: await measureMs("listNamespaces of one", () =>
      opened.listNamespaces({ prefix: namespaceOf(next()).slice(0, 2) }),
    ),
  };
}

function openStore({ saverName }: Bench, client: MongoClient, dbName: string): BaseStore {
  if (saverName === "threadkeep") return new MongoDBStore({ client, dbName });
  // It is typed for the driver's version 6 and works with 7: both stores get the same driver.
  type OfficialClient = ConstructorParameters<typeof OfficialMongoDBStore>[0]["client"];
  return new OfficialMongoDBStore({ client: client as unknown as OfficialClient, dbName });
}
