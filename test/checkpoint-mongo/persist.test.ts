import {
  Annotation,
  Command,
  END,
  interrupt,
  START,
  StateGraph,
  type BaseCheckpointSaver,
} from "@langchain/langgraph";
import type { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { openOnOldServer } from "./old-server.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const State = Annotation.Root({
  log: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});

/** Three steps; the second asks, and its answer is in the state. */
function compile(checkpointer: BaseCheckpointSaver, run: (name: string) => void = () => {}) {
  return new StateGraph(State)
    .addNode("first", () => {
      run("first");
      return { log: ["first"] };
    })
    .addNode("ask", () => {
      const answer = interrupt<string, string>("well?");
      return { log: [answer] };
    })
    .addNode("last", () => {
      run("last");
      return { log: ["last"] };
    })
    .addEdge(START, "first")
    .addEdge("first", "ask")
    .addEdge("ask", "last")
    .addEdge("last", END)
    .compile({ checkpointer });
}

const list = (saver: MongoDBSaver, threadId: string) =>
  Array.fromAsync(saver.list(threadConfig(threadId)));

describe.each(["sync", "async", "exit"] as const)("with durability %s", (durability) => {
  it.each(["every", "interrupts", "exit"] as const)(
    'a thread can be continued as usual: persist "%s"',
    async (persist) => {
      const threadId = `${durability} ${persist}`;
      const config = { configurable: { thread_id: threadId }, durability };
      const saver = database.openSaver({ persist });
      const runs: string[] = [];
      await compile(saver, (name) => runs.push(name)).invoke({ log: ["input"] }, config);
      const paused = await list(saver, threadId);
      const elsewhere = database.openSaverElsewhere({ persist });
      const graph = compile(elsewhere, (name) => runs.push(name));
      const state = await graph.getState(config);
      expect(state.tasks[0]?.interrupts).toMatchObject([{ value: "well?" }]);
      const resumed = await graph.invoke(new Command({ resume: "fine" }), config);
      expect(resumed.log).toEqual(["input", "first", "fine", "last"]);
      expect(runs).toEqual(["first", "last"]);
      const again = await graph.invoke({ log: ["again"] }, config);
      expect(again).toMatchObject({ log: ["input", "first", "fine", "last", "again", "first"] });
      const kept = await list(elsewhere, threadId);
      const steps = durability === "exit" ? { paused: 1, kept: 3 } : { paused: 3, kept: 8 };
      const expected = {
        every: steps,
        interrupts: { paused: 1, kept: 2 },
        exit: { paused: 1, kept: 1 },
      }[persist];
      expect({ paused: paused.length, kept: kept.length }).toEqual(expected);
      const report = await elsewhere.verifyThread(threadId);
      expect(report.damages).toEqual([]);
    },
  );
});

describe('persist "exit"', () => {
  it("removes a checkpoint with its writes, right after the command that stores the next", async () => {
    const saver = database.openSaver({ persist: "exit" });
    const first = await putCheckpoint(saver, threadConfig("one"), makeCheckpoint({ a: 1 }));
    await saver.putWrites(first, [["a", 2]], "task");
    const next = makeCheckpoint({ a: 2 }, { versions: { a: 2 } });
    const commands = await database.recordCommands(() =>
      saver.put(first, next, makeMetadata(), { a: 2 }),
    );
    expect(commands).toEqual(["update", "delete"]);
    const stored = await database.readAll("one");
    expect(stored.filter((document) => "checkpoint_id" in document)).toHaveLength(1);
    const tuple = await database.openSaverElsewhere().getTuple(threadConfig("one"));
    expect(tuple).toMatchObject({ checkpoint: { id: next.id }, pendingWrites: [] });
    expect(tuple!.parentConfig).toBeUndefined();
    expect(await saver.getTuple(first)).toBeUndefined();
  });

  it("keeps the latest if the next one cannot be stored", async () => {
    const saver = database.openSaver({ persist: "exit" });
    const first = await putCheckpoint(saver, threadConfig("failing"), makeCheckpoint({ a: 1 }));
    const bad = makeCheckpoint({ a: () => 1 }, { versions: { a: 2 } });
    await expect(saver.put(first, bad, makeMetadata(), { a: 2 })).rejects.toMatchObject({
      code: "UNSERIALIZABLE_STATE",
    });
    expect((await saver.getTuple(first))?.checkpoint.channel_values).toEqual({ a: 1 });
  });

  it("keeps the checkpoints that make up the state of a DeltaChannel", async () => {
    const saver = database.openSaver({ persist: "exit" });
    const first = await putCheckpoint(saver, threadConfig("delta"), makeCheckpoint({ a: 1 }));
    const metadata = makeMetadata({ counters_since_delta_snapshot: { log: [1, 1] } });
    await saver.put(first, makeCheckpoint({ a: 1 }), metadata, {});
    expect(await saver.getTuple(first)).toBeDefined();
  });

  it("does the same on servers without bulkWrite of a client", async () => {
    const saver = await openOnOldServer(database, { persist: "exit" });
    let config = await putCheckpoint(saver, threadConfig("old server"), makeCheckpoint({ a: 0 }));
    for (let version = 2; version < 5; version += 1) {
      const checkpoint = makeCheckpoint({ a: version }, { versions: { a: version } });
      config = await saver.put(config, checkpoint, makeMetadata(), { a: version });
    }
    expect(await list(saver, "old server")).toHaveLength(1);
  });
});
