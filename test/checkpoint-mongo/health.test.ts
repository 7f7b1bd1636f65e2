import { CorruptCheckpointError, type ObservedEvent } from "@threadkeep/checkpoint-mongo";
import type { RunnableConfig } from "@langchain/core/runnables";
import { Binary } from "mongodb";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { randomText } from "./random-text.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

describe("stats of a saver", () => {
  it("tell times of calls, sizes of checkpoints and the cache", async () => {
    const saver = database.openSaver();
    let config = threadConfig("measured");
    for (const length of [1_000, 2_000, 3_000]) {
      config = await putCheckpoint(saver, config, makeCheckpoint({ text: "x".repeat(length) }));
    }
    await saver.putWrites(config, [["text", "y"]], "task");
    await saver.getTuple(config);
    const { put, get, putWrites, checkpoints, underWay, cache } = saver.stats();
    expect(put).toMatchObject({ count: 3, failures: 0 });
    expect(get.count).toBe(1);
    expect(putWrites.count).toBe(1);
    for (const { p50Ms, p95Ms, p99Ms, maxMs } of [put, get, putWrites]) {
      expect(p50Ms).toBeGreaterThan(0);
      expect([p50Ms, p95Ms, p99Ms, maxMs]).toEqual(
        [p50Ms, p95Ms, p99Ms, maxMs].toSorted((a, b) => a - b),
      );
    }
    expect(checkpoints.count).toBe(3);
    expect(checkpoints.largestBytes).toBeGreaterThanOrEqual(3_000);
    expect(underWay).toBe(0);
    expect(cache).toEqual(saver.cacheStats);
  });

  it("say while a put is under way, and count one that is refused as a failure", async () => {
    const saver = database.openSaver({ onCheckpointSize: { hardLimitBytes: 1_000 } });
    const put = putCheckpoint(saver, threadConfig("under-way"), makeCheckpoint({ a: 1 }));
    expect(saver.stats().underWay).toBe(1);
    await put;
    const large = makeCheckpoint({ a: "x".repeat(2_000) });
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    await expect(putCheckpoint(saver, threadConfig("refused"), large)).rejects.toThrow(
      "2002 bytes",
    );
    expect(saver.stats()).toMatchObject({ underWay: 0, put: { count: 1, failures: 1 } });
  });

  it("count conflicts between writers of one thread", async () => {
    const savers = [database.openSaver(), database.openSaver()];
    const config = await putCheckpoint(
      savers[0]!,
      threadConfig("contended"),
      makeCheckpoint({ a: 0 }),
    );
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        putCheckpoint(savers[index % 2]!, config, makeCheckpoint({ a: index })),
      ),
    );
    expect(savers[0]!.stats().conflicts + savers[1]!.stats().conflicts).toBeGreaterThan(0);
  });
});

describe("saver.on", () => {
  it("hears of a state that cannot be restored, which stats count", async () => {
    const saver = await damage("broken");
    const heard = listen(saver, "restore-failed");
    await expect(saver.getTuple(threadConfig("broken"))).rejects.toThrow(CorruptCheckpointError);
    await expect(Array.fromAsync(saver.list(threadConfig("broken")))).rejects.toThrow("is corrupt");
    expect(heard).toMatchObject([
      { operation: "getTuple", threadId: "broken", error: { code: "CORRUPT_CHECKPOINT" } },
      { operation: "list", threadId: "broken", error: { code: "CORRUPT_CHECKPOINT" } },
    ]);
    expect(saver.stats()).toMatchObject({ restoreFailures: 2, verificationFailures: 2 });
  });

  it("hears in place of the process's warning, and until it is ended", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const saver = database.openSaver({ onCheckpointSize: { softLimitBytes: 10 } });
    const heard: ObservedEvent[] = [];
    const stop = saver.on("checkpoint-size", (event) => heard.push(event));
    await putCheckpoint(saver, threadConfig("large-1"), makeCheckpoint({ a: "x".repeat(100) }));
    expect({ heard: heard.length, warned: warn.mock.calls.length }).toEqual({
      heard: 1,
      warned: 0,
    });
    stop();
    await putCheckpoint(saver, threadConfig("large-2"), makeCheckpoint({ a: "x".repeat(100) }));
    expect({ heard: heard.length, warned: warn.mock.calls.length }).toEqual({
      heard: 1,
      warned: 1,
    });
  });

  it("hears of a thread that grows abnormally", async () => {
    const saver = database.openSaver();
    const heard = listen(saver, "checkpoint-growth");
    let config = threadConfig("grows");
    const list: string[] = [];
    for (let step = 0; step < 30; step += 1) {
      list.push(`step ${step}`);
      config = await putCheckpoint(saver, config, makeCheckpoint({ list: [...list] }));
    }
    expect(heard).toEqual([]);
    list.push("x".repeat(3_000_000));
    await putCheckpoint(saver, config, makeCheckpoint({ list: [...list] }));
    expect(heard).toMatchObject([{ threadId: "grows", checkpointNs: "" }]);
    expect((heard[0] as { addedBytes: number }).addedBytes).toBeGreaterThan(3_000_000);
  });

  it("hears once of a thread that takes too much, and of one that was pruned and has grown again", async () => {
    const saver = database.openSaver({ onThreadSize: { softLimitBytes: 20_000 } });
    const heard = listen(saver, "thread-size");
    let seed = 0;
    const grow = async (config: RunnableConfig, steps: number): Promise<RunnableConfig> => {
      let latest = config;
      for (let step = 0; step < steps; step += 1) {
        const text = randomText(4_000, (seed += 1));
        latest = await putCheckpoint(saver, latest, makeCheckpoint({ text }));
      }
      return latest;
    };
    const latest = await grow(threadConfig("too much"), 3);
    expect(heard).toEqual([]);
    const larger = await grow(latest, 4);
    expect(heard).toMatchObject([
      { type: "thread-size", threadId: "too much", limitBytes: 20_000 },
    ]);
    const [{ bytes, checkpoints }] = heard as unknown as [{ bytes: number; checkpoints: number }];
    expect(bytes).toBeGreaterThan(20_000);
    expect(checkpoints).toBeLessThanOrEqual(7);
    await saver.prune(["too much"], { strategy: "keep_latest" });
    await database.documents("segment").deleteMany({ condemned_at: { $exists: true } });
    await grow(larger, 7);
    expect(heard).toHaveLength(2);
  });

  it("of a thread's size costs no command but one each time an eighth of the limit was written", async () => {
    const softLimitBytes = 10_000_000;
    const saver = database.openSaver({ onThreadSize: { softLimitBytes } });
    let config = await putCheckpoint(saver, threadConfig("watched"), makeCheckpoint({ a: 0 }));
    const commands = await database.recordCommands(async () => {
      for (let a = 1; a <= 40; a += 1) {
        config = await putCheckpoint(saver, config, makeCheckpoint({ a }));
      }
    });
    // 40 puts write some 82 kB, which is 7 % of an eighth. Six are asked for once in ten billion times.
    expect(commands.filter((name) => name === "update")).toHaveLength(40);
    expect(commands.filter((name) => name === "aggregate").length).toBeLessThanOrEqual(5);
  });

  it("a listener that throws makes no call fail", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const saver = database.openSaver();
    saver.on("operation", () => {
      throw new Error("listener out of order");
    });
    await putCheckpoint(saver, threadConfig("heard"), makeCheckpoint({ a: 1 }));
    expect(warn.mock.calls[0]?.[0]).toContain("listener out of order");
  });

  it("refuses a type that there is not, and says which is meant", () => {
    expect(() => database.openSaver().on("restore-fail" as never, () => {})).toThrow(
      'Did you mean "restore-failed"?',
    );
    expect(() => database.openSaver().on("operation", "no" as never)).toThrow(
      "expected a function",
    );
  });
});

type Saver = ReturnType<typeof database.openSaver>;

/** The events of a type from now on. */
function listen(saver: Saver, type: ObservedEvent["type"]): readonly ObservedEvent[] {
  const heard: ObservedEvent[] = [];
  saver.on(type, (event) => heard.push(event));
  return heard;
}

/** A thread whose checkpoint has another hash than it should; returns a saver that does not know it. */
async function damage(threadId: string): Promise<Saver> {
  await putCheckpoint(database.openSaver(), threadConfig(threadId), makeCheckpoint({ a: 1 }));
  await database
    .documents("checkpoint")
    .updateOne({ thread_id: threadId }, { $set: { hash: new Binary() } });
  return database.openSaver();
}
