import type { RunnableConfig } from "@langchain/core/runnables";
import { INTERRUPT, uuid6 } from "@langchain/langgraph-checkpoint";
import { ConcurrentUpdateError, InvalidOptionsError } from "@threadkeep/checkpoint-mongo";
import type { CommandStartedEvent } from "mongodb";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

const openSaver = () => database.openSaverElsewhere({ concurrency: "reject" });

const idOf = ({ configurable }: RunnableConfig) => configurable!["checkpoint_id"] as string;

async function readTitles(threadId: string): Promise<unknown[]> {
  const titles: unknown[] = [];
  for await (const { checkpoint } of database.openSaver().list(threadConfig(threadId))) {
    titles.push(checkpoint.channel_values["title"]);
  }
  return titles;
}

describe('with concurrency "reject"', () => {
  it("the second of two that continue one checkpoint is refused, and nothing of it is visible", async () => {
    const threadId = uuid6(0);
    const [first, second] = [openSaver(), openSaver()];
    const root = await putCheckpoint(
      first,
      threadConfig(threadId),
      makeCheckpoint({ title: "root" }),
    );
    await second.getTuple(threadConfig(threadId));
    const won = await putCheckpoint(first, root, makeCheckpoint({ title: "first" }));
    const error = await putCheckpoint(second, root, makeCheckpoint({ title: "second" })).catch(
      (thrown: unknown) => thrown,
    );
    expect(ConcurrentUpdateError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ threadId, expected: idOf(root), found: idOf(won) });
    expect(await readTitles(threadId)).toEqual(["first", "root"]);
    expect((await first.verifyThread(threadId)).damages).toEqual([]);
  });

  it("of many that continue one checkpoint at once, exactly one is stored", async () => {
    const threadId = uuid6(0);
    const root = await putCheckpoint(openSaver(), threadConfig(threadId), makeCheckpoint());
    const puts = Array.from({ length: 8 }, (_, writer) =>
      putCheckpoint(openSaver(), root, makeCheckpoint({ title: `x${writer}`.repeat(300) })),
    );
    const outcomes = await Promise.allSettled(puts);
    const refused = outcomes.filter(({ status }) => status === "rejected");
    expect(refused).toHaveLength(7);
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(ConcurrentUpdateError.isInstance(reason)).toBe(true);
    }
    expect(await readTitles(threadId)).toHaveLength(2);
  });

  it("a first checkpoint is refused where there is one already", async () => {
    const threadId = uuid6(0);
    await putCheckpoint(openSaver(), threadConfig(threadId), makeCheckpoint());
    const again = putCheckpoint(openSaver(), threadConfig(threadId), makeCheckpoint());
    await expect(again).rejects.toMatchObject({ code: "CONCURRENT_UPDATE", expected: undefined });
  });

  it("a put that is repeated is no conflict, also after others have gone on", async () => {
    const threadId = uuid6(0);
    const root = await putCheckpoint(openSaver(), threadConfig(threadId), makeCheckpoint());
    const next = makeCheckpoint({ title: "next" });
    const config = await putCheckpoint(openSaver(), root, next);
    await putCheckpoint(openSaver(), root, next);
    await putCheckpoint(openSaver(), config, makeCheckpoint({ title: "last" }));
    await putCheckpoint(openSaver(), root, next);
    expect(await readTitles(threadId)).toEqual(["last", "next", undefined]);
  });

  it("namespaces do not stand in each other's way", async () => {
    const threadId = uuid6(0);
    const saver = openSaver();
    await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    const inner = threadConfig(threadId, { namespace: "inner:1" });
    const child = await putCheckpoint(saver, inner, makeCheckpoint());
    const grandchild = await putCheckpoint(saver, child, makeCheckpoint());
    expect((await saver.getTuple(grandchild))?.parentConfig).toEqual(child);
  });

  it("a put takes no further command", async () => {
    const threadId = uuid6(0);
    const saver = database.openSaver({ concurrency: "reject" });
    let config = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint());
    const sent: string[] = [];
    const count = ({ commandName }: CommandStartedEvent): void => void sent.push(commandName);
    database.client.on("commandStarted", count);
    config = await putCheckpoint(saver, config, makeCheckpoint());
    database.client.off("commandStarted", count);
    expect(sent).toEqual(["update"]);
  });
});

it('with "fork", both of two that continue one checkpoint are there, and every reader finds the same latest', async () => {
  const threadId = uuid6(0);
  const root = await putCheckpoint(database.openSaver(), threadConfig(threadId), makeCheckpoint());
  await Promise.all(
    ["a", "b"].map((title) =>
      putCheckpoint(database.openSaverElsewhere(), root, makeCheckpoint({ title })),
    ),
  );
  const titles = await readTitles(threadId);
  expect(new Set(titles)).toEqual(new Set(["a", "b", undefined]));
  for (let reader = 0; reader < 3; reader += 1) {
    const latest = await database.openSaverElsewhere().getTuple(threadConfig(threadId));
    expect(latest?.checkpoint.channel_values["title"]).toBe(titles[0]);
  }
});

describe("update", () => {
  it("of many at once loses none", async () => {
    const threadId = uuid6(0);
    const savers = Array.from({ length: 6 }, () => database.openSaverElsewhere());
    await Promise.all(
      savers.map(async (saver) => {
        for (let time = 0; time < 5; time += 1) {
          await saver.update(threadId, ({ count = 0 }) => ({ count: (count as number) + 1 }));
        }
      }),
    );
    const saver = database.openSaver();
    const tuple = await saver.getTuple(threadConfig(threadId));
    expect(tuple?.checkpoint.channel_values).toEqual({ count: 30 });
    expect(tuple?.checkpoint.channel_versions).toEqual({ count: 30 });
    expect(tuple?.metadata).toMatchObject({ source: "update", step: 28 });
    expect((await saver.verifyThread(threadId)).damages).toEqual([]);
  });

  it("keeps the other channels, and stores nothing if there is nothing to change", async () => {
    const threadId = uuid6(0);
    const saver = database.openSaver();
    expect(await saver.update(threadId, () => undefined)).toBeUndefined();
    const root = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ a: 1, b: 2 }));
    expect(await saver.update(threadId, () => undefined)).toEqual(root);
    const before = await database.readAll(threadId);
    expect(await saver.update(threadId, ({ a }) => ({ a }))).toEqual(root);
    expect(await database.readAll(threadId)).toEqual(before);
    const config = await saver.update(threadId, ({ a }) => ({ a: [a] }));
    const tuple = await saver.getTuple(threadConfig(threadId));
    expect(tuple?.config).toEqual(config);
    expect(tuple?.checkpoint.channel_values).toEqual({ a: [1], b: 2 });
    expect(tuple?.parentConfig).toEqual(root);
  });

  it("that others get ahead of each time ends after its retries", async () => {
    const threadId = uuid6(0);
    const [saver, rival] = [database.openSaver(), database.openSaverElsewhere()];
    let calls = 0;
    const update = saver.update(
      threadId,
      async () => {
        calls += 1;
        await rival.putWrites(
          threadConfig(threadId, { checkpointId: uuid6(0) }),
          [[INTERRUPT, 1]],
          "t",
        );
        await putCheckpoint(rival, threadConfig(threadId), makeCheckpoint());
        return { a: 1 };
      },
      { retries: 2 },
    );
    await expect(update).rejects.toMatchObject({ code: "CONCURRENT_UPDATE" });
    expect(calls).toBe(3);
  });

  it("refuses options that are wrong, before anything is read", async () => {
    const update = database.openSaver().update("a", () => ({}), { retries: -1 });
    await expect(update).rejects.toThrow(InvalidOptionsError);
  });
});
