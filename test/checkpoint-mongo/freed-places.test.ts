import type { RunnableConfig } from "@langchain/core/runnables";
import { uuid6 } from "@langchain/langgraph-checkpoint";
import type { MongoDBSaver, MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { openInterrupted } from "./interrupted-saver.ts";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const TASK = "task:f2d1a0c4-6d0e-5b1e-9d1c-0a5f4d1d2c3b";

/** What another process does to a thread behind the checkpoint that this one takes for the latest. */
interface Removal {
  readonly what: string;
  readonly settings?: MongoDBSaverSettings;
  /** How many checkpoints it puts. */
  readonly steps: number;
  readonly remove: (
    saver: MongoDBSaver,
    threadId: string,
    steps: readonly RunnableConfig[],
  ) => Promise<unknown>;
}

const REMOVALS: readonly Removal[] = [
  {
    what: "prune",
    steps: 5,
    remove: (saver, threadId) => saver.prune([threadId], { strategy: "keep_latest" }),
  },
  {
    what: "keepLast",
    settings: { keepLast: 1 },
    steps: 70,
    remove: () => Promise.resolve(),
  },
  {
    what: "deleteForRuns",
    steps: 5,
    remove: (saver) => saver.deleteForRuns(["a run"]),
  },
  {
    what: "a rollback that moves a checkpoint",
    steps: 3,
    remove: (saver, threadId, steps) => saver.rollback(threadId, { to: idOf(steps[0]!) }),
  },
  {
    what: "a rollback that discards",
    steps: 5,
    remove: (saver, threadId, steps) =>
      saver.rollback(threadId, { to: idOf(steps[0]!), discard: true }),
  },
];

describe.each(REMOVALS)("places that $what has freed", ({ what, settings, steps, remove }) => {
  it.each([
    { namespace: "", knows: "one checkpoint" },
    { namespace: TASK, knows: "one checkpoint" },
    { namespace: "", knows: "none" },
  ])(
    "are not given to a process that knows $knows of namespace '$namespace' and does not read the thread",
    async ({ namespace, knows }) => {
      // A rollback is one of the root graph, and takes only some subgraphs along.
      if (what.startsWith("a rollback") && namespace !== "") return;
      const threadId = uuid6(-1);
      const address = threadConfig(threadId, { namespace });
      const [former, other] = [database.openSaver(), database.openSaverElsewhere(settings)];
      const first =
        knows === "none" ? address : await putCheckpoint(former, address, makeCheckpoint({ a: 0 }));
      const known = await former.getTuple(address);
      expect(known === undefined).toBe(knows === "none");
      const put: RunnableConfig[] = [];
      // Siblings, so that the first one can be moved.
      for (let step = 1; step <= steps; step += 1) {
        const isLast = step === steps;
        put.push(
          await other.put(
            { ...first, metadata: { run_id: isLast ? "another run" : "a run" } },
            makeCheckpoint({ a: step }),
            makeMetadata(),
            { a: 1 },
          ),
        );
      }
      await remove(other, threadId, put);
      const late = await putCheckpoint(former, first, makeCheckpoint({ a: "late" }));
      const cold = database.openSaver();
      expect((await cold.getTuple(address))?.config).toEqual(late);
      const further = await putCheckpoint(former, late, makeCheckpoint({ a: "further" }));
      expect((await cold.getTuple(address))?.config).toEqual(further);
      expect((await cold.verifyThread(threadId)).damages).toEqual([]);
    },
  );
});

it("a place that becomes free in the middle of a put's command is given back", async () => {
  const threadId = uuid6(-1);
  const address = threadConfig(threadId);
  const other = database.openSaverElsewhere();
  let parent = await putCheckpoint(database.openSaver(), address, makeCheckpoint({ a: 0 }));
  const first = parent;
  const slow = await openInterrupted(database, {
    kind: "checkpoint",
    command: "save",
    action: async () => {
      for (const a of [1, 2, 3]) parent = await putCheckpoint(other, parent, makeCheckpoint({ a }));
      await other.prune([threadId], { strategy: "keep_latest" });
    },
  });
  await slow.getTuple(address);
  const late = await putCheckpoint(slow, first, makeCheckpoint({ a: "late" }));
  const cold = database.openSaver();
  expect((await cold.getTuple(address))?.config).toEqual(late);
  const listed = await Array.fromAsync(cold.list(address));
  expect(listed.map(({ config }) => config)).toEqual([late, parent]);
  expect((await cold.verifyThread(threadId)).damages).toEqual([]);
});

it.each([
  { who: "the same process", commands: ["find", "update"] },
  { who: "another process", commands: ["update", "findAndModify", "find", "update"] },
])("a removal by $who costs the next put commands once: $commands", async ({ who, commands }) => {
  const threadId = uuid6(-1);
  const saver = database.openSaver();
  const other = who === "the same process" ? saver : database.openSaverElsewhere();
  let config = threadConfig(threadId);
  for (const a of [1, 2, 3]) config = await putCheckpoint(saver, config, makeCheckpoint({ a }));
  await other.prune([threadId], { strategy: "keep_latest" });
  const putNext = async (a: number): Promise<void> => {
    config = await putCheckpoint(saver, config, makeCheckpoint({ a }));
  };
  expect(await database.recordCommands(() => putNext(4))).toEqual(commands);
  expect(await database.recordCommands(() => putNext(5))).toEqual(["update"]);
});

function idOf({ configurable }: RunnableConfig): string {
  return configurable!["checkpoint_id"] as string;
}
