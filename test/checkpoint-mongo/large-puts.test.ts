import { uuid6 } from "@langchain/langgraph-checkpoint";
import { randomBytes } from "node:crypto";
import { describe, expect, it, vi } from "vitest";
import { openInterrupted } from "./interrupted-saver.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const LONG_AGO = new Date(Date.now() - 2 * 60 * 60 * 1_000);

/** More than what goes with one command, and does not compress. */
const LARGE = Array.from({ length: 3 }, () => randomBytes(5_000_000).toString("base64"));

describe("a large put, between two of its commands,", () => {
  /** Puts a large state; something happens before its last command with segments. */
  async function putInterrupted(threadId: string, action: () => Promise<unknown>) {
    const parent = await putCheckpoint(
      database.openSaver(),
      threadConfig(threadId),
      makeCheckpoint({ list: ["start ".repeat(100)], other: ["other ".repeat(100)] }),
    );
    let commands = 0;
    const saver = await openInterrupted(database, {
      kind: "any",
      command: "save",
      isDue: () => ++commands === 2,
      action,
    });
    const checkpoint = makeCheckpoint(
      { list: LARGE, other: ["other ".repeat(100), "more ".repeat(100)] },
      { versions: { list: 2, other: 2 } },
    );
    const config = await putCheckpoint(saver, parent, checkpoint);
    expect(commands).toBe(2);
    return { checkpoint, config };
  }

  it("overtaken by a deletion and by a new start of the thread is whole, and so is the new start", async () => {
    const threadId = uuid6(0);
    const begun = makeCheckpoint({ list: ["begun ".repeat(100), LARGE[0]] });
    const { checkpoint, config } = await putInterrupted(threadId, async () => {
      await database.openSaver().deleteThread(threadId);
      await putCheckpoint(database.openSaverElsewhere(), threadConfig(threadId), begun);
    });
    const reader = database.openSaver();
    expect((await reader.getTuple(config))?.checkpoint).toEqual(checkpoint);
    const other = threadConfig(threadId, { checkpointId: begun.id });
    expect((await reader.getTuple(other))?.checkpoint).toEqual(begun);
    expect(await reader.verifyThread(threadId)).toMatchObject({ checkpoints: 2, damages: [] });
  });

  it("is overtaken by two sweeps: what they removed is there again", async () => {
    const threadId = uuid6(0);
    const { checkpoint, config } = await putInterrupted(threadId, async () => {
      const saver = database.openSaverElsewhere();
      expect(await saver.sweep({ threadId })).toMatchObject({ condemned: 1 });
      await database
        .documents("segment")
        .updateMany({ condemned_at: { $exists: true } }, { $set: { condemned_at: LONG_AGO } });
      expect(await saver.sweep({ threadId })).toMatchObject({ removed: 1 });
      // Sweeps that remove what one of them has found are so far apart.
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_000 });
    }).finally(() => vi.useRealTimers());
    const reader = database.openSaver();
    expect((await reader.getTuple(config))?.checkpoint).toEqual(checkpoint);
    expect(await reader.verifyThread(threadId)).toMatchObject({ damages: [] });
  });
});
