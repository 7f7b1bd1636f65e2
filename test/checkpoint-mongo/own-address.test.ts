import type { RunnableConfig } from "@langchain/core/runnables";
import { INTERRUPT, RESUME } from "@langchain/langgraph-checkpoint";
import { CorruptCheckpointError, type MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { Binary, type Document } from "mongodb";
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const sets = database.documents<BinaryKeyed>("writes");
interface BinaryKeyed extends Document {
  readonly _id: Binary;
}

const KEY = { integrity: { key: "a key of at least sixteen bytes" } };

describe.each([
  ["without a key", {}],
  ["with a key", KEY],
] satisfies [string, MongoDBSaverSettings][])(
  "a set of pending writes speaks only for the checkpoint it was written for, %s",
  (name, settings) => {
    const open = (more: MongoDBSaverSettings = {}) => database.openSaver({ ...settings, ...more });

    /** Two paused threads; in the second one, a human has said yes. */
    async function pauseTwo(what: string): Promise<[RunnableConfig, RunnableConfig]> {
      const saver = open();
      const paused: RunnableConfig[] = [];
      for (const threadId of [`${name}, ${what}, victim`, `${name}, ${what}, other`]) {
        const first = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ a: 1 }));
        const config = await putCheckpoint(saver, first, makeCheckpoint({ a: 2 }));
        await saver.putWrites(config, [[INTERRUPT, { value: "may I?" }]], "task");
        paused.push(config);
      }
      await saver.putWrites(paused[1]!, [[RESUME, ["yes"]]], "task");
      return paused as [RunnableConfig, RunnableConfig];
    }

    async function pointAt(victim: RunnableConfig, change: Document = {}): Promise<void> {
      const pointer = await pointerTo(victim);
      const set = await sets.findOne({ thread_id: otherOf(victim), idx: await placeOfResume() });
      await sets.updateOne({ _id: set!._id }, { $set: { checkpoint: pointer, ...change } });
    }

    it("even if another thread's write points to it: getTuple refuses it and names it", async () => {
      const [victim] = await pauseTwo("getTuple");
      await pointAt(victim);
      await expect(open().getTuple(victim)).rejects.toMatchObject({
        code: "CORRUPT_CHECKPOINT",
        ...addressOf(victim),
        corruption: { document: "write", field: "thread_id" },
      });
    });

    it("even if a write with the thread's id points to it: list refuses it too", async () => {
      const [victim] = await pauseTwo("list");
      await pointAt(victim, { thread_id: addressOf(victim).threadId });
      const all = { configurable: { thread_id: addressOf(victim).threadId } };
      await expect(Array.fromAsync(open().list(all))).rejects.toThrow(CorruptCheckpointError);
      await expect(open().getTuple(victim)).rejects.toThrow(CorruptCheckpointError);
      await expect(open().getTuple(all)).rejects.toThrow(CorruptCheckpointError);
    });

    it("even if its whole address was rewritten", async () => {
      const [victim] = await pauseTwo("rewritten");
      const own = await sets.findOne({ thread_id: addressOf(victim).threadId });
      const set = await sets.findOne({
        thread_id: otherOf(victim),
        idx: await placeOfResume(),
      });
      const { checkpoint_id, checkpoint, thread_id } = own as Record<string, unknown>;
      await sets.insertOne({
        ...set!,
        _id: new Binary(randomBytes(16)),
        thread_id,
        checkpoint,
        checkpoint_id,
      });
      await expect(open().getTuple(victim)).rejects.toMatchObject({
        corruption: { document: "write", field: "_id" },
      });
    });

    it("fall-back goes back to the checkpoint before", async () => {
      const [victim] = await pauseTwo("fall-back");
      await pointAt(victim);
      const saver = open({ onCorruption: "fall-back", onEvent: () => undefined });
      const tuple = await saver.getTuple(threadConfig(addressOf(victim).threadId));
      expect(tuple?.checkpoint.channel_values).toEqual({ a: 1 });
    });

    it("verifyThread finds it in the thread that it points to, and in its own", async () => {
      const [victim] = await pauseTwo("verifyThread");
      await pointAt(victim);
      for (const threadId of [addressOf(victim).threadId, otherOf(victim)]) {
        const { damages } = await open().verifyThread(threadId);
        expect(damages).toContainEqual(
          expect.objectContaining({ document: "write", field: "checkpoint" }),
        );
      }
    });

    it("the history of a delta channel refuses it", async () => {
      const threadId = `${name}, history`;
      const saver = open();
      const seed = await putCheckpoint(saver, threadConfig(threadId), makeCheckpoint({ a: 1 }));
      await saver.putWrites(seed, [["delta", "own"]], "task");
      const child = await putCheckpoint(saver, seed, makeCheckpoint({ a: 2 }));
      const set = await sets.findOne({ thread_id: threadId });
      await sets.deleteOne({ _id: set!._id });
      await sets.insertOne({ ...set!, _id: new Binary(randomBytes(16)) });
      await expect(
        open().getDeltaChannelHistory({ config: child, channels: ["delta"] }),
      ).rejects.toMatchObject({ corruption: { document: "write", field: "_id" } });
    });

    it("also if the pointer has another subtype", async () => {
      const [victim] = await pauseTwo("subtype");
      const pointer = await pointerTo(victim);
      const set = { thread_id: addressOf(victim).threadId, task_id: "task" };
      await sets.updateOne(set, { $set: { checkpoint: new Binary(pointer.buffer, 4) } });
      // A join does not find it, so a read cannot tell.
      const { damages } = await open().verifyThread(addressOf(victim).threadId);
      expect(damages).toContainEqual(
        expect.objectContaining({ document: "write", field: "checkpoint" }),
      );
    });

    it("two sets in one place are damage, whichever was first", async () => {
      const [victim] = await pauseTwo("twice");
      const set = await sets.findOne({ thread_id: addressOf(victim).threadId });
      await sets.insertOne({ ...set!, _id: new Binary(randomBytes(16)) });
      await expect(open().getTuple(victim)).rejects.toMatchObject({
        corruption: { document: "write", field: "_id" },
      });
    });

    it("a checkpoint under another _id, which hides its pending writes, is refused", async () => {
      const [victim] = await pauseTwo("_id");
      const checkpoints = database.documents<BinaryKeyed>("checkpoint");
      const found = await checkpoints.findOne({ checkpoint_id: addressOf(victim).checkpointId });
      await checkpoints.deleteOne({ _id: found!._id });
      await checkpoints.insertOne({ ...found!, _id: new Binary(randomBytes(16)) });
      await expect(open().getTuple(victim)).rejects.toMatchObject({
        corruption: { document: "checkpoint", field: "_id" },
      });
    });
  },
);

function addressOf({ configurable }: RunnableConfig): { threadId: string; checkpointId: string } {
  return {
    threadId: configurable!["thread_id"] as string,
    checkpointId: configurable!["checkpoint_id"] as string,
  };
}

function otherOf(victim: RunnableConfig): string {
  return addressOf(victim).threadId.replace(/victim$/, "other");
}

async function pointerTo(config: RunnableConfig): Promise<Binary> {
  const { checkpointId } = addressOf(config);
  const found = await database
    .documents<BinaryKeyed>("checkpoint")
    .findOne({ checkpoint_id: checkpointId });
  return found!._id;
}

/** The place of a resume value among the writes of its task. */
async function placeOfResume(): Promise<number> {
  const set = await sets.findOne({ "writes.channel": RESUME });
  return set!["idx"] as number;
}
