import { describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { openOnStoppingServer, STOPPED } from "./stopping-server.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const writer = database.openSaver();
const checkpoints = database.documents("checkpoint");

/** More updates than the command of a put here holds. */
const MAX_UPDATES = 20;

describe("a server that stopped in mid-command and left several checkpoints marked as the latest", () => {
  async function startMarked(threadId: string) {
    await startThread(threadId);
    await checkpoints.updateMany({ thread_id: threadId }, { $set: { head: true } });
    return threadConfig(threadId);
  }

  it("has the last checkpoint as the latest", async () => {
    const config = await startMarked("latest-of-several");
    const tuple = await database.openSaver().getTuple(config);
    expect(tuple?.checkpoint.channel_values).toEqual({ a: 3 });
  });

  it.each(["reads", "does not read"])(
    "loses the other marks at the next put of a process that %s the thread before",
    async (what) => {
      const config = await startMarked(`marks, ${what}`);
      const saver = database.openSaver();
      if (what === "reads") await saver.getTuple(config);
      const parent = threadConfig(`marks, ${what}`, { checkpointId: "3" });
      await putCheckpoint(saver, parent, makeCheckpoint({ a: 4 }, { id: "4" }));
      expect(await listMarked(`marks, ${what}`)).toEqual(["4"]);
    },
  );
});

it("a server that carried out only the first updates of a put leaves the thread as before or after it", async () => {
  const seen = new Set<unknown>();
  let updates = Infinity;
  const saver = await openOnStoppingServer(database, () => updates);
  for (updates = 0; updates < MAX_UPDATES; updates += 1) {
    const threadId = `cut-after-${updates}`;
    const parent = await startThread(threadId);
    const list = ["item ".repeat(100)];
    const put = putCheckpoint(saver, parent, makeCheckpoint({ a: 4, list }, { id: "4" }));
    const error = await put.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const after = database.openSaver();
    const tuple = await after.getTuple(threadConfig(threadId));
    seen.add(tuple?.checkpoint.channel_values["a"]);
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
    await putCheckpoint(after, tuple!.config, makeCheckpoint({ a: 5 }, { id: "5" }));
    expect(await listMarked(threadId)).toEqual(["5"]);
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
    if (error === undefined) break;
    expect(error).toMatchObject(STOPPED);
  }
  // It has been cut off before and after the update that stores the checkpoint.
  expect(seen).toEqual(new Set([3, 4]));
});

/** A thread of three checkpoints; returns the config of the last. */
async function startThread(threadId: string) {
  let config = threadConfig(threadId);
  for (const step of [1, 2, 3]) {
    config = await putCheckpoint(writer, config, makeCheckpoint({ a: step }, { id: String(step) }));
  }
  return config;
}

async function listMarked(threadId: string): Promise<unknown[]> {
  const latest = { thread_id: threadId, checkpoint_ns: "", head: true };
  const marked = await checkpoints.find(latest).toArray();
  return marked.map((document) => document["checkpoint_id"] as unknown);
}
