import { requireFeature } from "@threadkeep/local-mongodb/features";
import type { CommandStartedEvent, Document } from "mongodb";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { useStores } from "./use-stores.ts";

const database = useStores();
const ITEMS = 600;
const ITEMS_OF_A_NAMESPACE = 20;

interface Stage {
  readonly stage: string;
  readonly inputStage?: Stage;
  readonly indexName?: string;
}

interface ExplainedQuery {
  readonly queryPlanner: { readonly winningPlan: Stage };
  readonly executionStats: { readonly totalDocsExamined: number };
}

type Explained =
  | ExplainedQuery
  | { readonly stages: readonly [{ readonly $cursor: ExplainedQuery }] };

/** How the server carries out a command. */
interface Plan {
  readonly stages: readonly string[];
  readonly index: string | undefined;
  readonly examined: number;
}

// Items of both stores, found by the indexes that either makes first.
const official = database.openOfficial();
const store = database.openStore({ collectionName: "store" });

beforeAll(async () => {
  await official.start();
  await Promise.all(
    [official, store].map((writer, half) =>
      writer.batch(
        Array.from({ length: ITEMS / 2 }, (_, index) => ({
          namespace: ["users", `${Math.floor(index / ITEMS_OF_A_NAMESPACE)}`, `${half}`],
          key: `k${index}`,
          value: { index, kind: index % 2 },
        })),
      ),
    ),
  );
});

beforeEach((context) => requireFeature(context, "plans that name their index"));

describe("by an index, with no scan,", () => {
  const SLOTS = "namespaceStr_1_key_1";

  it("get finds one item, whichever store wrote it", async () => {
    for (const half of ["0", "1"]) {
      const [plan, ...others] = await explain(() => store.get(["users", "3", half], "k61"));
      expect(others).toEqual([]);
      expect(plan).toMatchObject({ index: SLOTS, examined: 1 });
    }
    const [missing] = await explain(() => store.get(["users", "3", "1"], "none"));
    expect(missing).toMatchObject({ index: SLOTS, examined: 0 });
  });

  it("gets of a batch find their items in their namespaces", async () => {
    const get = (half: string, key: string) => ({ namespace: ["users", "3", half], key });
    const [same] = await explain(() => store.batch([get("0", "k61"), get("0", "k62")]));
    expect(same).toMatchObject({ index: SLOTS, examined: 2 });
    const [several] = await explain(() => store.batch([get("0", "k61"), get("1", "k62")]));
    expect(several).toMatchObject({ index: SLOTS });
    expect(several!.examined).toBeLessThanOrEqual(2 * ITEMS_OF_A_NAMESPACE);
  });

  it("put finds the item it replaces", async () => {
    const [plan] = await explain(() => store.put(["users", "3", "1"], "k61", { index: 61 }));
    expect(plan).toMatchObject({ index: SLOTS, examined: 1 });
  });

  it("search finds what begins with the prefix", async () => {
    for (const filter of [undefined, { kind: 1 }]) {
      const [plan] = await explain(() => store.search(["users", "3"], { filter: filter! }));
      expect(plan).toMatchObject({ index: SLOTS, examined: 2 * ITEMS_OF_A_NAMESPACE });
    }
    const [everything] = await explain(() => store.search([]));
    expect(everything).toMatchObject({ index: SLOTS });
  });

  it("listNamespaces finds what begins with the prefix, and nothing that shares its name", async () => {
    const [below, hidden] = await explain(() => store.listNamespaces({ prefix: ["users", "3"] }));
    expect(below).toMatchObject({ index: SLOTS });
    expect(below!.examined).toBeLessThanOrEqual(2 * ITEMS_OF_A_NAMESPACE);
    expect(hidden).toMatchObject({ index: "namespace_1_key_1", examined: 0 });
    for (const plan of await explain(() => store.listNamespaces())) {
      expect(plan.index).toBeDefined();
    }
  });

  it("the official store beside this one gets its items too", async () => {
    const [plan] = await explain(() => official.get(["users", "3", "0"], "k61"));
    expect(plan).toMatchObject({ index: "namespace_1_key_1", examined: 1 });
  });
});

it("the official store alone goes through the collection: the test would show it", async () => {
  const alone = database.openOfficial({ collectionName: "alone" });
  await alone.start();
  await alone.put(["a"], "k", {});
  await expect(explain(() => alone.get(["a"], "k"))).rejects.toThrow(/COLLSCAN/);
});

/** Has the server explain the commands that an action sends; none may go through the collection. */
async function explain(action: () => Promise<unknown>): Promise<Plan[]> {
  const commands: Document[] = [];
  const record = ({ command }: CommandStartedEvent) => {
    const {
      lsid: _session,
      $clusterTime: _time,
      $db: _database,
      txnNumber: _txn,
      ...query
    } = command;
    if ("find" in query || "aggregate" in query || "update" in query) commands.push(query);
  };
  database.client.on("commandStarted", record);
  await action();
  database.client.off("commandStarted", record);
  const plans: Plan[] = [];
  for (const command of commands) {
    const explained = await database.db.command({
      explain: toRead(command),
      verbosity: "executionStats",
    });
    plans.push(readPlan(explained as Explained));
  }
  for (const { stages } of plans) {
    if (stages.includes("COLLSCAN")) throw new Error(`COLLSCAN: ${stages.join(" < ")}`);
  }
  return plans;
}

/** What an update finds what it changes by. */
function toRead(command: Document): Document {
  if (!("update" in command)) return command;
  const [{ q: filter }] = command["updates"] as [{ q: Document }];
  return { find: command["update"] as string, filter };
}

function readPlan(explained: Explained): Plan {
  // Of an aggregation, the first stage is the query.
  const query = "stages" in explained ? explained.stages[0].$cursor : explained;
  const stages: Stage[] = [];
  for (let stage: Stage | undefined = query.queryPlanner.winningPlan; stage !== undefined;) {
    stages.push(stage);
    stage = stage.inputStage;
  }
  return {
    stages: stages.map(({ stage }) => stage),
    index: stages.at(-1)!.indexName,
    examined: query.executionStats.totalDocsExamined,
  };
}
