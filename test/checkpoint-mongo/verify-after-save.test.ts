import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { Binary, type Document } from "mongodb";
import { expect, it } from "vitest";
import { connectThrough } from "./connect-through.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { isSave } from "./send-in-parts.ts";
import { useDatabase } from "./use-database.ts";

const database = useDatabase();
const checkpoints = database.documents("checkpoint");
const segments = database.documents("segment");

const DAMAGE = {
  "has lost the checkpoint": (latest: Document) => checkpoints.deleteOne(latest),
  "has another body": (latest: Document) =>
    checkpoints.updateOne(latest, { $set: { body: new Binary(Buffer.from("another")) } }),
  "has lost the segments": ({ thread_id }: Document) => segments.deleteMany({ thread_id }),
  "has other segments": ({ thread_id }: Document) =>
    segments.updateMany({ thread_id }, { $set: { data: new Binary(Buffer.from("another")) } }),
};

it.each(Object.entries(DAMAGE))(
  "with verifyAfterSave, a put to a server that %s right after it was stored fails",
  async (what, damage) => {
    await expect(putAndDamage(what, damage, true)).rejects.toMatchObject({
      code: "CORRUPT_CHECKPOINT",
      threadId: what,
      corruption: { document: what.endsWith("segments") ? "segment" : "checkpoint" },
    });
  },
);

it("without verifyAfterSave, a put does not look for damage", async () => {
  const put = putAndDamage("not verified", DAMAGE["has lost the checkpoint"], false);
  await expect(put).resolves.toBeUndefined();
});

/** Puts a checkpoint, and damages what is stored as soon as the server has replied. */
async function putAndDamage(
  threadId: string,
  damage: (latest: Document) => Promise<unknown>,
  verifyAfterSave: boolean,
): Promise<void> {
  const earlier = makeCheckpoint({ a: 1 });
  const parent = await putCheckpoint(database.openSaver(), threadConfig(threadId), earlier);
  const client = await connectThrough(database.uri, async (command, send) => {
    const reply = await send(command);
    if (isSave(command)) await damage({ thread_id: threadId, checkpoint_ns: "", head: true });
    return reply;
  });
  const saver = new MongoDBSaver({ client, dbName: database.name, verifyAfterSave });
  await putCheckpoint(saver, parent, makeCheckpoint({ list: ["item ".repeat(100)] }));
}
