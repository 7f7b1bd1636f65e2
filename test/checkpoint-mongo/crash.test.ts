import type { RunnableConfig } from "@langchain/core/runnables";
import {
  emptyCheckpoint,
  INTERRUPT,
  uuid6,
  type CheckpointTuple,
} from "@langchain/langgraph-checkpoint";
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type Document } from "mongodb";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { CommandProxy, ConnectionLost, isOfDriver, type Send } from "../network/command-proxy.ts";
import { isSave, listUpdates, sendInParts } from "./send-in-parts.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();

/** More than what goes with one command, and does not compress. */
const LARGE = Array.from({ length: 2 }, () => randomBytes(1_600_000).toString("base64"));

/** More than any operation here sends, even if each of its updates is a command of its own. */
const MAX_COMMANDS = 40;

describe.each([
  { what: "a process that ends between any two commands", cut: "commands" },
  { what: "a server that stops between any two updates of a command", cut: "updates" },
] as const)("$what", ({ cut }) => {
  it("leaves the thread as before the put or as after it", async () => {
    const seen = await endAfterEach(cut, async (saver, thread) => {
      const tuple = await saver.getTuple(thread);
      await putNext(saver, tuple!.config, 3);
    });
    expect(seen).toEqual(new Set(["message 0..2", "message 0..3"]));
  });

  it("leaves the thread as before a put that takes several commands or as after it", async () => {
    const seen = await endAfterEach(cut, async (saver, thread) => {
      const tuple = await saver.getTuple(thread);
      await putNext(saver, tuple!.config, 3, LARGE);
    });
    expect(seen).toEqual(new Set(["message 0..2", `message 0..${2 + LARGE.length}`]));
  });

  it("leaves the first put of a thread undone or done", async () => {
    const seen = new Set<number | undefined>();
    for (let commands = 0; commands < MAX_COMMANDS; commands += 1) {
      const thread = { configurable: { thread_id: uuid6(0) } };
      const done = await runFor(cut, commands, (saver) => putNext(saver, thread, 0));
      const messages = readMessages(await database.openSaver().getTuple(thread));
      seen.add(messages?.length);
      await putNext(database.openSaver(), thread, 0);
      if (done) break;
    }
    expect(seen).toEqual(new Set([undefined, 1]));
  });

  it("leaves the thread where a search for what it stands at finds it, and no other search", async () => {
    const seen = new Set<string>();
    for (let commands = 0; commands < MAX_COMMANDS; commands += 1) {
      const config = await fill(1);
      const threadId = config.configurable!["thread_id"] as string;
      const done = await runFor(cut, commands, async (saver) => {
        await saver.getTuple({ configurable: { thread_id: threadId } });
        const next = await putNext(saver, config, 1, ["next"], { "branch:to:ask": null });
        await saver.putWrites(next, [[INTERRUPT, [{ value: "?" }]]], "task");
        await putNext(saver, next, 2);
      });
      const after = database.openSaver();
      const latest = (await after.getTuple({ configurable: { thread_id: threadId } }))!;
      const isBusy = "branch:to:ask" in latest.checkpoint.channel_values;
      const isInterrupted = latest.pendingWrites!.length > 0;
      const expected = isInterrupted ? "interrupted" : (isBusy && "busy") || "idle";
      seen.add(expected);
      for (const status of ["idle", "busy", "interrupted", "error"] as const) {
        const search = { status, ids: [threadId] };
        const { threads } = await after.threads.search(search);
        const found = threads.map((thread) => thread.status);
        expect([commands, found]).toEqual([commands, status === expected ? [status] : []]);
      }
      if (done) break;
    }
    expect(seen).toEqual(new Set(["idle", "busy", "interrupted"]));
  }, 120_000);

  it("leaves a task's writes all undone or all done where one command stores them", async () => {
    for (let commands = 0; commands < MAX_COMMANDS; commands += 1) {
      const config = await fill(3);
      const done = await runFor(cut, commands, (saver) =>
        saver.putWrites(
          config,
          [
            ["messages", "a"],
            ["messages", "b"],
          ],
          "task",
        ),
      );
      const tuple = await database.openSaver().getTuple(config);
      expect([0, 2]).toContain(tuple!.pendingWrites!.length);
      if (done) return;
    }
    expect.fail("putWrites never finished");
  });

  it("lets the next process finish a deletion or find the thread whole", async () => {
    for (let commands = 0; commands < MAX_COMMANDS; commands += 1) {
      const config = await fill(3);
      const threadId = config.configurable!["thread_id"] as string;
      const done = await runFor(cut, commands, (saver) => saver.deleteThread(threadId));
      const again = await fill(2, threadId);
      const tuple = await database.openSaver().getTuple(again);
      expect(readMessages(tuple)).toHaveLength(2);
      // Just the new ones, or all of the old ones too: as if deleteThread had never been called.
      expect([2, 5]).toContain(await countCheckpoints(threadId));
      expect((await database.openSaver().verifyThread(threadId)).damages).toEqual([]);
      if (done) return;
    }
    expect.fail("deleteThread never finished");
  });
});

/** What is carried out as a whole. */
type Cut = "commands" | "updates";

/** Runs an action on a thread of three checkpoints again and again, each time ending a step later. */
async function endAfterEach(
  cut: Cut,
  action: (saver: MongoDBSaver, thread: RunnableConfig) => Promise<unknown>,
): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let commands = 0; commands < MAX_COMMANDS; commands += 1) {
    const config = await fill(3);
    const threadId = config.configurable!["thread_id"] as string;
    const thread = { configurable: { thread_id: threadId } };
    const done = await runFor(cut, commands, (saver) => action(saver, thread));
    const after = database.openSaver();
    const tuple = await after.getTuple(thread);
    seen.add(`message 0..${readMessages(tuple)!.length - 1}`);
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
    // The thread continues from wherever it is.
    await putNext(after, tuple!.config, 9);
    expect((await after.verifyThread(threadId)).damages).toEqual([]);
    if (done) return seen;
  }
  throw new Error("the action never finished");
}

/**
 * Runs an action until the server has carried out so many commands of it, or updates of commands,
 * then cuts it off.
 */
async function runFor(
  cut: Cut,
  commands: number,
  action: (saver: MongoDBSaver) => Promise<unknown>,
): Promise<boolean> {
  let left = Infinity;
  await using proxy = await CommandProxy.start(database.uri, async (command, send) => {
    if (isOfDriver(command)) return send(command);
    const sendCounted: Send = async (part) => {
      left -= 1;
      if (left < 0) throw new ConnectionLost();
      return send(part);
    };
    return cut === "updates" && isSave(command)
      ? sendOneByOne(command, sendCounted)
      : sendCounted(command);
  });
  const client = new MongoClient(proxy.uri, { retryWrites: false, retryReads: false });
  const saver = new MongoDBSaver({ client, dbName: database.name, retry: { deadlineMs: 0 } });
  await saver.setup();
  left = commands;
  try {
    await action(saver);
    return left >= 0;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}

/** Has each update of a command be one of its own. */
function sendOneByOne(command: Document, send: Send): Promise<Document> {
  const cuts = listUpdates(command).map((_, index) => index);
  return sendInParts(command, send, cuts.slice(1));
}

async function fill(count: number, threadId: string = uuid6(0)): Promise<RunnableConfig> {
  const saver = database.openSaver();
  let config: RunnableConfig = { configurable: { thread_id: threadId } };
  for (let step = 0; step < count; step += 1) config = await putNext(saver, config, step);
  return config;
}

async function putNext(
  saver: MongoDBSaver,
  config: RunnableConfig,
  step: number,
  messages = [`message ${step} `.repeat(40)],
  others: Record<string, unknown> = {},
): Promise<RunnableConfig> {
  const parent = config.configurable!["checkpoint_id"] ? await saver.getTuple(config) : undefined;
  const versions = {
    messages: step + 1,
    ...Object.fromEntries(Object.keys(others).map((channel) => [channel, step + 1])),
  };
  const checkpoint = {
    ...emptyCheckpoint(),
    id: uuid6(step),
    channel_values: {
      messages: [...(readMessages(parent) ?? []), ...messages],
      ...others,
    },
    channel_versions: versions,
  };
  return saver.put(config, checkpoint, { source: "loop", step, parents: {} }, versions);
}

function readMessages(tuple: CheckpointTuple | undefined): unknown[] | undefined {
  return tuple?.checkpoint.channel_values["messages"] as unknown[] | undefined;
}

async function countCheckpoints(threadId: string): Promise<number> {
  let count = 0;
  for await (const _tuple of database.openSaver().list({ configurable: { thread_id: threadId } })) {
    count += 1;
  }
  return count;
}
