import type { RunnableConfig } from "@langchain/core/runnables";
import { InvalidAddressError, InvalidOptionsError } from "@threadkeep/checkpoint-mongo";
import { beforeAll, describe, expect, it } from "vitest";
import { makeCheckpoint, makeMetadata, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const saver = database.openSaver();

beforeAll(() => saver.setup());

/** What is no usable string, and what the error calls it. */
const BAD_STRINGS: readonly (readonly [unknown, string])[] = [
  [42, "a number"],
  [true, "a boolean"],
  [7n, "a bigint"],
  [Symbol("id"), "a symbol"],
  [() => "id", "a function"],
  [["id"], "an array"],
  [{ id: "id" }, "an object"],
  [{ $ne: null }, "an object with the query operator $ne"],
  [{ $gt: "" }, "an object with the query operator $gt"],
  ["half \ud83d", String.raw`the string "half \ud83d"`],
];
const BAD_IDS: typeof BAD_STRINGS = [...BAD_STRINGS, [null, "null"], ["", "an empty string"]];

/** Where a config's part goes wrong, and all the methods that read it. */
function configWith(part: string, value: unknown): RunnableConfig {
  const good = threadConfig("thread", { checkpointId: "checkpoint" });
  return { configurable: { ...good.configurable, [part]: value } };
}

const metadata = makeMetadata();
const checkpoint = makeCheckpoint({ a: 1 });
const METHODS: Record<string, (config: RunnableConfig) => Promise<unknown>> = {
  getTuple: (config) => saver.getTuple(config),
  get: (config) => saver.get(config),
  list: (config) => Array.fromAsync(saver.list(config)),
  "list before": (before) => Array.fromAsync(saver.list(threadConfig("thread"), { before })),
  put: (config) => saver.put(config, checkpoint, metadata, { a: 1 }),
  putWrites: (config) => saver.putWrites(config, [["a", 1]], "task"),
  "putWrites of nothing": (config) => saver.putWrites(config, [], "task"),
  getDeltaChannelHistory: (config) => saver.getDeltaChannelHistory({ config, channels: ["a"] }),
};

/** Runs the action; gives its error, having seen that no command was sent. */
async function refuse(action: () => Promise<unknown>): Promise<Error> {
  let thrown: unknown;
  const commands = await database.recordCommands(async () => {
    await action().catch((error: unknown) => {
      thrown = error;
    });
  });
  expect(commands).toEqual([]);
  expect(thrown).toBeInstanceOf(Error);
  return thrown as Error;
}

describe.each(Object.entries(METHODS))("%s", (_name, call) => {
  it.each([
    ["thread_id", BAD_IDS],
    ["checkpoint_ns", BAD_STRINGS],
    ["checkpoint_id", BAD_STRINGS],
  ] as const)("refuses a bad %s before any command", async (part, values) => {
    for (const [value, description] of values) {
      const error = await refuse(() => call(configWith(part, value)));
      expect(InvalidAddressError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ code: "INVALID_ADDRESS", field: `configurable.${part}` });
      expect(error.message).toContain(description);
    }
  });
});

describe("put", () => {
  it("refuses a config without a thread before any command", async () => {
    for (const config of [{}, { configurable: {} }, { configurable: { thread_id: undefined } }]) {
      expect(await refuse(() => METHODS["put"]!(config))).toMatchObject({
        code: "INVALID_ADDRESS",
        message: "Invalid configurable.thread_id: expected a string, got nothing.",
      });
    }
  });

  it("refuses a bad checkpoint id before any command", async () => {
    for (const [value] of [...BAD_IDS, [undefined]] as const) {
      const bad = { ...checkpoint, id: value as string };
      expect(
        await refuse(() => saver.put(threadConfig("thread"), bad, metadata, {})),
      ).toMatchObject({ code: "INVALID_ADDRESS", field: "checkpoint.id" });
    }
  });
});

describe("putWrites", () => {
  it("refuses a config without a checkpoint before any command", async () => {
    for (const config of [threadConfig("thread"), configWith("checkpoint_id", "")]) {
      expect(await refuse(() => METHODS["putWrites"]!(config))).toMatchObject({
        code: "INVALID_ADDRESS",
        field: "configurable.checkpoint_id",
      });
    }
  });

  it("refuses a bad task id before any command", async () => {
    const config = threadConfig("thread", { checkpointId: "checkpoint" });
    for (const [value] of [...BAD_IDS, [undefined]] as const) {
      expect(
        await refuse(() => saver.putWrites(config, [["a", 1]], value as string)),
      ).toMatchObject({ code: "INVALID_ADDRESS", field: "taskId" });
    }
  });

  it("refuses a bad task path before any command", async () => {
    const config = threadConfig("thread", { checkpointId: "checkpoint" });
    for (const [value] of BAD_STRINGS) {
      const path = value as string;
      expect(await refuse(() => saver.putWrites(config, [["a", 1]], "task", path))).toMatchObject({
        code: "INVALID_ADDRESS",
        field: "taskPath",
      });
    }
  });
});

describe("deleteThread", () => {
  it("refuses a bad thread id before any command", async () => {
    for (const [value] of [...BAD_IDS, [undefined]] as const) {
      expect(await refuse(() => saver.deleteThread(value as string))).toMatchObject({
        code: "INVALID_ADDRESS",
      });
    }
  });
});

describe("list", () => {
  it.each([
    [-1, "-1"],
    [1.5, "1.5"],
    [Number.NaN, "NaN"],
    [-Infinity, "-Infinity"],
    ["10", "a string of 2 characters"],
    [null, "null"],
  ])("refuses the limit %s before any command", async (limit, given) => {
    const options = { limit: limit as number };
    const error = await refuse(() => Array.fromAsync(saver.list(threadConfig("t"), options)));
    expect(InvalidOptionsError.isInstance(error)).toBe(true);
    expect(error.message).toContain(`limit of list: expected a whole number from 0, got ${given}.`);
  });

  it.each([[["step"]], ["step"], [7], [new Map([["step", 1]])], [new Date(0)]])(
    "refuses the filter %s before any command",
    async (filter) => {
      const options = { filter: filter as unknown as Record<string, unknown> };
      expect(
        await refuse(() => Array.fromAsync(saver.list(threadConfig("t"), options))),
      ).toMatchObject({ code: "INVALID_OPTIONS" });
    },
  );
});

/** Names of the most bytes that they may have: of each kind of character the last one fits. */
const LIMITS = { thread_id: 2_048, checkpoint_ns: 16_384, checkpoint_id: 1_024 } as const;
const CHARACTERS = ["a", "é", "漢", "🙂"];

function makeText(character: string, bytes: number): string {
  const count = Math.floor(bytes / Buffer.byteLength(character));
  return character.repeat(count) + "a".repeat(bytes - count * Buffer.byteLength(character));
}

describe("a name that is too long", () => {
  it.each(Object.entries(METHODS))("is refused by %s before any command", async (_name, call) => {
    for (const [part, bytes] of Object.entries(LIMITS)) {
      for (const character of CHARACTERS) {
        const value = makeText(character, bytes + 1);
        const error = await refuse(() => call(configWith(part, value)));
        expect(error).toMatchObject({ code: "INVALID_ADDRESS", field: `configurable.${part}` });
        expect(error.message).toContain(
          `expected at most ${bytes} bytes of UTF-8, got a string of ${bytes + 1} bytes`,
        );
        expect(error.message.length).toBeLessThan(200);
      }
    }
  });

  it("is refused as checkpoint.id, task, path of a task or thread to delete before any command", async () => {
    const config = threadConfig("thread", { checkpointId: "checkpoint" });
    const put = (id: string) => saver.put(config, { ...checkpoint, id }, metadata, { a: 1 });
    const write = (task: string, path: string) => saver.putWrites(config, [["a", 1]], task, path);
    for (const [field, attempt] of [
      ["checkpoint.id", () => put("x".repeat(1_025))],
      ["taskId", () => write("x".repeat(1_025), "")],
      ["taskPath", () => write("task", "x".repeat(16_385))],
      ["configurable.thread_id", () => saver.deleteThread("x".repeat(2_049))],
      ["configurable.thread_id", () => saver.verifyThread("x".repeat(2_049))],
      ["configurable.thread_id", () => saver.sweep({ threadId: "x".repeat(2_049) })],
    ] as const) {
      expect(await refuse(attempt)).toMatchObject({ code: "INVALID_ADDRESS", field });
    }
  });

  it("is refused as a channel before any command", async () => {
    const config = threadConfig("thread", { checkpointId: "checkpoint" });
    const channel = "漢".repeat(1_366);
    for (const attempt of [
      () => saver.put(config, makeCheckpoint({ [channel]: 1 }), metadata, { [channel]: 1 }),
      () => saver.putWrites(config, [[channel, 1]], "task"),
    ]) {
      const error = await refuse(attempt);
      expect(error).toMatchObject({ code: "UNSERIALIZABLE_STATE" });
      expect(error.message).toContain("may take 4096 bytes, and this one takes 4098");
      expect(error.message.length).toBeLessThan(400);
    }
  });
});

it.each(CHARACTERS)("the longest names are stored and found: of %s", async (character) => {
  const elsewhere = database.openSaver({ collectionPrefix: "longest_" });
  const config = threadConfig(makeText(character, 2_048), {
    namespace: makeText(character, 16_384),
  });
  const channel = makeText(character, 4_096);
  const id = makeText(character, 1_024);
  const state = { ...makeCheckpoint({ [channel]: [1] }), id };
  const stored = await elsewhere.put(config, state, metadata, { [channel]: 1 });
  const path = makeText(character, 16_384);
  await elsewhere.putWrites(stored, [[channel, 1]], makeText(character, 1_024), path);
  const reader = database.openSaver({ collectionPrefix: "longest_" });
  for (const found of [
    await reader.getTuple(config),
    await reader.getTuple(stored),
    ...(await Array.fromAsync(reader.list(config))),
  ]) {
    expect(found?.checkpoint).toMatchObject({ id, channel_values: { [channel]: [1] } });
    expect(found?.pendingWrites).toEqual([[makeText(character, 1_024), channel, 1]]);
  }
  const threadId = config.configurable!["thread_id"] as string;
  expect(await reader.verifyThread(threadId)).toMatchObject({ checkpoints: 1, damages: [] });
  await reader.deleteThread(threadId);
  expect(await reader.getTuple(config)).toBeUndefined();
});

describe("a refused call", () => {
  it("stores nothing", async () => {
    expect(await database.readAll()).toEqual([]);
  });
});
