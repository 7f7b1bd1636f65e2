import {
  ERROR,
  INTERRUPT,
  MemorySaver,
  RESUME,
  uuid6,
  type BaseCheckpointSaver,
} from "@langchain/langgraph-checkpoint";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** Task, path and writes, in an order in which nothing is sorted. */
const CALLS: readonly (readonly [string, string | undefined, readonly [string, unknown][]])[] = [
  ["task b", "~__pregel_pull, z", [["log", "z"]]],
  ["task a", "~__pregel_push, 0000000010", [["log", 10]]],
  [
    "task c",
    "~__pregel_push, 0000000009",
    [
      ["log", 9],
      [RESUME, "answer"],
      ["log", 9.5],
    ],
  ],
  ["task d", "~__pregel_pull, 😀", [["log", "astral"]]],
  ["task e", "~__pregel_pull, \uE000", [["log", "private use"]]],
  [
    "task f",
    "~__pregel_pull, Z",
    [
      ["log", "Z"],
      ["other", 1],
    ],
  ],
  ["task f", "~__pregel_pull, Z", [[INTERRUPT, "asks"]]],
  ["task f", "~__pregel_pull, Z", [[ERROR, "failed"]]],
  ["task h", "same path", [["log", "second by id"]]],
  ["task g", "same path", [["log", "first by id"]]],
  ["task z", undefined, [["log", "input"]]],
  ["task y", "", [["log", "input too"]]],
];

async function store(saver: BaseCheckpointSaver, threadId: string) {
  const parent = await putCheckpoint(
    saver,
    threadConfig(threadId),
    makeCheckpoint({ seed: 1 }, { id: "1ef00000-0000-6000-8000-000000000001" }),
  );
  for (const [task, path, writes] of CALLS) {
    await saver.putWrites(parent, [...writes], task, path);
  }
  const id = "1ef00000-0000-6000-8000-000000000002";
  const checkpoint = makeCheckpoint({ seed: 1 }, { id });
  const child = await saver.put(parent, checkpoint, makeMetadata(), {});
  return { parent, child };
}

describe("pending writes", () => {
  it("come back by task path, task and index, in getTuple, list and delta history", async () => {
    const memory = new MemorySaver();
    const saver = database.openSaver();
    const threadId = uuid6(0);
    const { parent, child } = await store(saver, threadId);
    await store(memory, threadId);
    const expected = (await memory.getTuple(parent))!.pendingWrites!;
    expect(expected[0]).toEqual(["task y", "log", "input too"]);
    for (const reader of [saver, database.openSaverElsewhere()]) {
      expect((await reader.getTuple(parent))!.pendingWrites).toEqual(expected);
      const listed = await Array.fromAsync(reader.list(threadConfig(threadId)));
      expect(listed.at(-1)!.pendingWrites).toEqual(expected);
      const request = { config: child, channels: ["log", "other", "seed"] };
      expect(await reader.getDeltaChannelHistory(request)).toEqual(
        await memory.getDeltaChannelHistory(request),
      );
    }
  });

  it("keep the path of the call that stored them; special ones keep the path of the last call", async () => {
    const saver = database.openSaver();
    const config = await putCheckpoint(saver, threadConfig(uuid6(0)), makeCheckpoint());
    await saver.putWrites(
      config,
      [
        ["a", "late"],
        [ERROR, 1],
      ],
      "first",
      "b",
    );
    await saver.putWrites(config, [["a", "early"]], "second", "a");
    await saver.putWrites(
      config,
      [
        ["a", "kept"],
        [ERROR, 2],
      ],
      "first",
    );
    expect((await database.openSaverElsewhere().getTuple(config))!.pendingWrites).toEqual([
      ["first", ERROR, 2],
      ["second", "a", "early"],
      ["first", "a", "late"],
    ]);
    await saver.putWrites(config, [[ERROR, 3]], "first", "c");
    expect((await database.openSaverElsewhere().getTuple(config))!.pendingWrites!.at(-1)).toEqual([
      "first",
      ERROR,
      3,
    ]);
    expect((await saver.verifyThread(config.configurable!["thread_id"] as string)).damages).toEqual(
      [],
    );
  });

  it("with another path than they were stored with are corrupt", async () => {
    const saver = database.openSaver();
    const threadId = uuid6(0);
    const config = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    await saver.putWrites(config, [["a", 1]], "task", "path");
    const writes = database.documents("writes");
    for (const change of [{ $set: { task_path: "another" } }, { $unset: { task_path: "" } }]) {
      await writes.updateOne({ thread_id: threadId }, change);
      await expect(database.openSaverElsewhere().getTuple(config)).rejects.toMatchObject({
        code: "CORRUPT_CHECKPOINT",
        corruption: { document: "write" },
      });
    }
  });
});
