import type { CommandStartedEvent, Document } from "mongodb";
import { beforeAll, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const LENGTHS = [5, 25];

/** How the server carries out a query, as it explains it. */
interface ExplainedQuery {
  readonly queryPlanner: { readonly namespace: string; readonly winningPlan: Stage };
  readonly executionStats: { readonly totalDocsExamined: number };
}

type Explained =
  | ExplainedQuery
  | { readonly stages: readonly [{ readonly $cursor: ExplainedQuery }] };

interface Stage {
  readonly stage: string;
  readonly inputStage?: Stage;
  readonly indexName?: string;
  readonly keyPattern?: Document;
}

/** What matters of it. */
interface Plan {
  /** The collection, without its prefix, and the index. */
  readonly index: string;
  readonly key: Document;
  readonly stages: readonly string[];
  readonly documentsExamined: number;
  readonly command: Document;
}

beforeAll(async () => {
  const saver = database.openSaver();
  for (const length of LENGTHS) {
    let config = threadConfig(`of ${length}`);
    for (let step = 1; step <= length; step += 1) {
      const list = [`item ${step} `.repeat(50)];
      const checkpoint = makeCheckpoint({ list }, { id: makeId(step) });
      config = await putCheckpoint(saver, config, checkpoint);
      await saver.putWrites(config, [["list", "x"]], "task");
    }
  }
});

it.each(LENGTHS)(
  "getTuple in a thread of %i reads one checkpoint, by its index",
  async (length) => {
    const latest = threadConfig(`of ${length}`);
    for (const [config, index] of [
      [latest, "checkpoints.head"],
      [threadConfig(`of ${length}`, { checkpointId: makeId(2) }), "checkpoints.address"],
    ] as const) {
      const saver = database.openSaver();
      const [found, ...others] = await explain(() => saver.getTuple(config));
      expect(found).toMatchObject({ index, documentsExamined: 1 });
      for (const { documentsExamined } of others) expect(documentsExamined).toBeLessThanOrEqual(1);
    }
  },
);

it("list finds checkpoints in the order of an index, and what belongs to them by others", async () => {
  const saver = database.openSaver();
  const plans = await explain(() =>
    Array.fromAsync(saver.list(threadConfig("of 25"), { limit: 3 })),
  );
  expect(plans.map(({ index }) => index)).toEqual([
    "checkpoints.order",
    "writes.checkpoint",
    expect.stringMatching(/^segments\.(content|appends)$/),
  ]);
  const [{ key, command }] = plans as [Plan];
  // What is left of the index, after the fields that the filter fixes, is the order asked for.
  const { filter, sort } = command as { filter: Document; sort: Map<string, number> };
  const left = Object.entries(key).filter(([field]) => !Object.hasOwn(filter, field));
  expect(left).toEqual([...sort]);
  for (const { documentsExamined } of plans.slice(1)) {
    expect(documentsExamined).toBeLessThanOrEqual(3);
  }
});

function makeId(step: number): string {
  return String(step).padStart(3, "0");
}

/** Has the server explain the queries that an action sends; none may go through a collection. */
async function explain(action: () => Promise<unknown>): Promise<Plan[]> {
  const commands: Document[] = [];
  const record = ({ command }: CommandStartedEvent) => {
    if (!("find" in command || "aggregate" in command)) return;
    const { lsid: _session, $clusterTime: _time, $db: _database, ...query } = command;
    commands.push(query);
  };
  database.client.on("commandStarted", record);
  await action();
  database.client.off("commandStarted", record);
  const plans: Plan[] = [];
  for (const command of commands) {
    const explained = await database.db.command({ explain: command, verbosity: "executionStats" });
    plans.push(readPlan(command, explained as Explained));
  }
  for (const { stages } of plans) expect(stages).not.toContain("COLLSCAN");
  return plans;
}

function readPlan(command: Document, explained: Explained): Plan {
  // Of an aggregation, the first stage is the query.
  const { queryPlanner, executionStats } =
    "stages" in explained ? explained.stages[0].$cursor : explained;
  const stages: Stage[] = [];
  for (let stage: Stage | undefined = queryPlanner.winningPlan; stage !== undefined;) {
    stages.push(stage);
    stage = stage.inputStage;
  }
  const { indexName = "no index", keyPattern = {} } = stages.at(-1)!;
  const collection = queryPlanner.namespace.split("_").at(-1);
  return {
    index: `${collection}.${indexName}`,
    key: keyPattern,
    stages: stages.map(({ stage }) => stage),
    documentsExamined: executionStats.totalDocsExamined,
    command,
  };
}
