import type { RunnableConfig } from "@langchain/core/runnables";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import type { ListReport } from "./list-memory.fixture.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { randomText } from "./random-text.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const MB = 1_024 * 1_024;
const CHECKPOINTS = 100;
const STATE_MB = 8;

describe("100 checkpoints of 8 MB each", () => {
  beforeAll(async () => {
    const saver = database.openSaver();
    await putCheckpoint(saver, threadConfig("small"), makeCheckpoint({ list: ["x"] }));
    for (let index = 0; index < CHECKPOINTS; index += 1) {
      // No two have an item in common, and all shrink to almost nothing where they are stored.
      const list = Array.from({ length: STATE_MB }, (_, item) => fill(`${index} ${item} `));
      await putCheckpoint(saver, threadConfig("large"), makeCheckpoint({ list }));
    }
  }, 240_000);

  it("a listing that ends after the first one loads that one only", async () => {
    const { growthBytes, ...rest } = await listInNewProcess(1);
    expect(rest).toEqual({ count: 1, characters: STATE_MB * MB });
    expect(growthBytes).toBeLessThan(100 * MB);
  });

  it(
    "a whole listing takes the memory of the cache and of a few of them",
    { timeout: 180_000 },
    async () => {
      const { growthBytes, ...rest } = await listInNewProcess(CHECKPOINTS);
      expect(rest).toEqual({ count: CHECKPOINTS, characters: CHECKPOINTS * STATE_MB * MB });
      // 64 MiB of cache, twice 16 MiB that are being loaded, and what is not collected yet.
      expect(growthBytes).toBeLessThan(300 * MB);
    },
  );
});

it.each([1, 2_000, 20_000, 100_000_000])(
  "listBufferBytes: %i changes nothing of what is listed",
  async (listBufferBytes) => {
    const saver = database.openSaver();
    const thread = threadConfig("listed");
    const configs: RunnableConfig[] = [];
    for (let index = 0; configs.length < 12; index += 1) {
      const list = Array.from({ length: index }, (_, item) => randomText(700, item + 1));
      const text = index % 5 === 0 ? randomText(3_000_000, index) : "short";
      const versions = { list: index + 1, text: index + 1 };
      const checkpoint = makeCheckpoint({ list, text }, { id: `c${index + 10}`, versions });
      configs.push(await putCheckpoint(saver, configs.at(-1) ?? thread, checkpoint));
      const written = randomText(index % 4 === 0 ? 4_500_000 : 900, index);
      await saver.putWrites(configs.at(-1)!, [["list", [written]]], "task");
    }
    const expected = await Promise.all(configs.map((config) => saver.getTuple(config)));
    const reader = database.openSaver({ listBufferBytes });
    expect(await Array.fromAsync(reader.list(thread))).toEqual(expected.toReversed());
  },
  60_000,
);

it("small checkpoints are listed with four commands for all, whatever they hold", async () => {
  const saver = database.openSaver();
  let config = threadConfig("many");
  for (let index = 1; index <= 60; index += 1) {
    const list = Array.from({ length: index }, (_, item) => `item ${item} `.repeat(60));
    config = await putCheckpoint(
      saver,
      config,
      makeCheckpoint({ list }, { versions: { list: index } }),
    );
    await saver.putWrites(config, [["list", [`written ${index}`]]], "task");
  }
  const reader = database.openSaver();
  await reader.getTuple(threadConfig("small"));
  const commands = await database.recordCommands(async () => {
    expect(await Array.fromAsync(reader.list(threadConfig("many")))).toHaveLength(60);
  });
  // Checkpoints, their thread's record, pending writes, segments.
  expect(commands).toEqual(["find", "find", "find", "find"]);
});

/** A megabyte of a text. */
function fill(text: string): string {
  return text.repeat(Math.ceil(MB / text.length)).slice(0, MB);
}

async function listInNewProcess(count: number): Promise<ListReport> {
  const script = fileURLToPath(new URL("./list-memory.fixture.ts", import.meta.url));
  const argv = [
    "--conditions=@threadkeep/source",
    "--no-warnings",
    script,
    database.uri,
    database.name,
    "large",
    String(count),
  ];
  // A process that continues for ever must not outlive the test.
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 60_000 });
  return JSON.parse(stdout) as ListReport;
}
