import { ThreadDeletedError } from "@threadkeep/checkpoint-mongo";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

it("a thread that was deleted with deletedThreadSeconds is not brought back by late writes of any saver", async () => {
  const deleting = database.openSaver({ deletedThreadSeconds: 3_600 });
  const knowing = database.openSaverElsewhere();
  const config = await putCheckpoint(
    knowing,
    threadConfig("gone"),
    makeCheckpoint({ list: ["a"] }),
  );
  await putCheckpoint(deleting, threadConfig("another"), makeCheckpoint({ list: ["a"] }));
  await deleting.deleteThread("gone");
  const fresh = database.openSaver();
  for (const writer of [knowing, fresh, deleting]) {
    const calls = [
      () => putCheckpoint(writer, config, makeCheckpoint({ list: ["a", "b"] })),
      () => writer.putWrites(config, [["list", "late"]], "task"),
      () => writer.threads.create("gone"),
      () => writer.copyThread("another", "gone"),
    ];
    for (const call of calls) {
      const error = await call().catch((thrown: unknown) => thrown);
      expect(ThreadDeletedError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ code: "THREAD_DELETED", threadId: "gone" });
    }
    expect(await writer.getTuple(threadConfig("gone"))).toBeUndefined();
  }
  await fresh.sweep({ threadId: "gone" });
  const [record, ...others] = await database.readAll("gone");
  expect(others).toEqual([]);
  // The server keeps the record for as long.
  expect((record!["expires_at"] as Date).getTime()).toBeGreaterThan(Date.now() + 3_600_000);
});

it("so is one that prune deletes", async () => {
  const saver = database.openSaver({ deletedThreadSeconds: 3_600 });
  const config = await putCheckpoint(
    saver,
    threadConfig("pruned"),
    makeCheckpoint({ list: ["a"] }),
  );
  await saver.prune(["pruned"], { strategy: "delete" });
  await expect(putCheckpoint(saver, config, makeCheckpoint({}))).rejects.toThrow(/was deleted/);
});

it("the id takes writes again after that time", async () => {
  const saver = database.openSaver({ deletedThreadSeconds: 1 });
  const config = await putCheckpoint(saver, threadConfig("short"), makeCheckpoint({ a: 1 }));
  await saver.deleteThread("short");
  await expect(putCheckpoint(saver, config, makeCheckpoint({}))).rejects.toThrow(/was deleted/);
  await sleep(1_200);
  await expectWritable("short");
  // A deletion without the option does not remember the one before.
  await database.openSaver().deleteThread("short");
  await expectWritable("short");
});

it("without the option, the id of a deleted thread takes writes at once", async () => {
  const saver = database.openSaver();
  await putCheckpoint(saver, threadConfig("at once"), makeCheckpoint({ a: 1 }));
  await saver.deleteThread("at once");
  await expectWritable("at once");
});

async function expectWritable(threadId: string): Promise<void> {
  const saver = database.openSaver();
  await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ a: 2 }));
  const cold = database.openSaver();
  const tuple = await cold.getTuple(threadConfig(threadId));
  expect(tuple!.checkpoint.channel_values).toEqual({ a: 2 });
  expect((await cold.verifyThread(threadId)).damages).toEqual([]);
}
