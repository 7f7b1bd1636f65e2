import { Annotation, interrupt, START, StateGraph } from "@langchain/langgraph";
import { MemorySaver, uuid6, type BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { MongoDBSaver, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { archiveThreads, FileArchiveStore } from "@threadkeep/checkpoint-mongo/archive";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { asNewProcess } from "../new-process.ts";
import { listItems, putSteps } from "../put-steps.ts";
import { useDatabase } from "../use-database.ts";
import { makeNoise, WITH_OLD } from "./encrypted-threads.ts";
import { isTelling, readLeaves } from "./read-leaves.ts";

const database = useDatabase();

/** A saver of a process of its own. */
const openBuffered = (settings: MongoDBSaverSettings = {}): MongoDBSaver =>
  new MongoDBSaver({
    client: asNewProcess(database.client),
    dbName: database.name,
    batch: {},
    ...settings,
  });

const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
  note: Annotation<string>,
});

/** What a graph with an interrupt gives, and all that its saver then tells of the thread. */
async function runGraph(saver: BaseCheckpointSaver, mark: string): Promise<unknown> {
  let step = 0;
  const graph = new StateGraph(State)
    .addNode("work", () => ({ log: [`${mark} ${(step += 1)} ${"x".repeat(500)}`], note: mark }))
    .addNode("ask", () => ({ log: [String(interrupt(`${mark}?`))] }))
    .addEdge(START, "work")
    .addConditionalEdges("work", () => (step % 5 === 0 ? "ask" : "work"))
    .compile({ checkpointer: saver });
  const config = { configurable: { thread_id: "differential" } };
  const results: unknown[] = [];
  for (const input of [`${mark} one`, `${mark} two`]) {
    // Ids of interrupts are made of random ones.
    const { log, note } = await graph.invoke({ log: [input] }, config);
    results.push({ log, note });
  }
  const states = await Array.fromAsync(graph.getStateHistory(config));
  return {
    results,
    states: states.map(({ values, next, metadata, tasks }) => ({
      values: values as unknown,
      next,
      metadata: { source: metadata?.source, step: metadata?.step },
      tasks: tasks.map(({ name, interrupts }) => [
        name,
        interrupts.map(({ value }) => value as unknown),
      ]),
    })),
  };
}

describe("write-behind with encryption", () => {
  it("gives a graph what MemorySaver gives it, and nothing of it is seen in the database", async () => {
    const mark = `SECRET-${makeNoise(20)}`;
    const expected = await runGraph(new MemorySaver(), mark);
    const saver = openBuffered({ encryption: WITH_OLD });
    expect(await runGraph(saver, mark)).toEqual(expected);
    await saver.flush();
    const leaves = await Array.fromAsync(readLeaves(database.db));
    expect(leaves.length).toBeGreaterThan(200);
    expect(leaves.filter(([field, value]) => isTelling(field, value, mark))).toEqual([]);
    const report = await database.openSaver({ encryption: WITH_OLD }).verifyThread("differential");
    expect(report.damages).toEqual([]);
  });

  it("keeps with keepLast what is kept without", async () => {
    const threadId = uuid6(0);
    const saver = openBuffered({ encryption: WITH_OLD, keepLast: 1, batch: { maxCheckpoints: 4 } });
    await putSteps(saver, threadId, 70);
    await saver.flush();
    const cold = database.openSaver({ encryption: WITH_OLD });
    const tuples = await Array.fromAsync(cold.list(threadConfig(threadId)));
    expect(tuples.length).toBeLessThan(70);
    expect(tuples[0]!.checkpoint.channel_values["list"]).toEqual(listItems(70));
    expect((await cold.verifyThread(threadId)).damages).toEqual([]);
  });
});

describe.each([
  { how: "in clear text", encryption: undefined },
  { how: "encrypted", encryption: WITH_OLD },
])("what is buffered $how", ({ encryption }) => {
  const settings = encryption && { encryption };

  it("does not take places that another process has freed meanwhile", async () => {
    const count = 2;
    const threadId = uuid6(0);
    const saver = openBuffered(settings);
    const other = database.openSaverElsewhere(settings);
    const first = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ a: 0 }));
    await saver.flush();
    // They are planned for the places after the first checkpoint. Pending writes take no place, so what is stored
    // before and after does not ask for that.
    await saver.putWrites(first, [["a", "before"]], "task-1");
    let late = first;
    for (let a = 10; a < 10 + count; a += 1) {
      late = await putCheckpoint(saver, late, makeCheckpoint({ a }));
    }
    await saver.putWrites(late, [["a", "after"]], "task-2");
    let parent = first;
    for (const a of [1, 2, 3, 4, 5]) {
      parent = await putCheckpoint(other, parent, makeCheckpoint({ a }));
    }
    await other.prune([threadId], { strategy: "keep_latest" });
    await saver.flush();
    const cold = database.openSaver(settings);
    expect((await cold.getTuple(threadConfig(threadId)))?.config).toEqual(late);
    const further = await putCheckpoint(saver, late, makeCheckpoint({ a: "further" }));
    await saver.flush();
    expect((await cold.getTuple(threadConfig(threadId)))?.config).toEqual(further);
    const order = (await Array.fromAsync(cold.list(threadConfig(threadId)))).map(
      ({ checkpoint }) => checkpoint.channel_values["a"],
    );
    expect(order.slice(0, count + 1)).toEqual([
      "further",
      ...Array.from({ length: count }, (_, at) => 9 + count - at),
    ]);
    expect((await cold.verifyThread(threadId)).damages).toEqual([]);
  });

  it("reaches a thread that is archived meanwhile, and brings it back", async () => {
    const directory = await mkdtemp(join(tmpdir(), "threadkeep-batch-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const archive = new FileArchiveStore(directory);
    const threadId = uuid6(0);
    const saver = openBuffered({ ...settings, archive });
    const config = await putSteps(saver, threadId, 3);
    await saver.flush();
    const other = database.openSaverElsewhere({ ...settings, archive });
    const archiving = { threadIds: [threadId] };
    // Once while steps are buffered, and once before they are put.
    const last = await putSteps(saver, threadId, 3, { from: 3, config });
    expect(await archiveThreads(other, archiving)).toMatchObject({ archived: [threadId] });
    await saver.flush();
    expect(await archiveThreads(other, archiving)).toMatchObject({ archived: [threadId] });
    await putSteps(saver, threadId, 2, { from: 6, config: last });
    await saver.flush();
    const cold = database.openSaver({ ...settings, archive });
    const tuples = await Array.fromAsync(cold.list(threadConfig(threadId)));
    expect(tuples.map(({ checkpoint }) => checkpoint.channel_values["list"])).toEqual(
      Array.from({ length: 8 }, (_, at) => listItems(8 - at)),
    );
    expect((await cold.verifyThread(threadId)).damages).toEqual([]);
  });
});
