import { AIMessage, HumanMessage } from "@langchain/core/messages";
import { isDeepStrictEqual } from "node:util";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { fillOfficial, openOfficial } from "./fill-official.ts";

/** With 2,000: `THREADKEEP_MIGRATED_THREADS=2000 npm test -- test/checkpoint-mongo/migration/migrate-killed.test.ts`. */
const THREADS = Number(process.env["THREADKEEP_MIGRATED_THREADS"] ?? 300);
const KILLS = 5;
/** So few that each kill meets a migration at work, though some more are moved before it dies. */
const KILL_AFTER = THREADS / (KILLS + 3);
const MODELS = 20;

const database = useDatabase();
const official = openOfficial(database.client, database.name);
const program = fileURLToPath(new URL("./migrate.fixture.ts", import.meta.url));

it(`${THREADS} threads are moved by a migration that is killed five times, and read the same from both savers`, async () => {
  const threadIds = await fillMany();
  const checkpoints = database.db.collection("checkpoints");
  const total = await checkpoints.countDocuments();
  const inPlace = database.openSaver();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const isKilled = await runMigration({ killAfter: KILL_AFTER });
    expect(isKilled).toBe("killed");
    // Any thread is whole, wherever it is by now.
    for (const threadId of threadIds.filter((_, index) => index % 50 === kill)) {
      await expectSame(inPlace, threadId);
    }
  }
  const last = JSON.parse(await runMigration({})) as Record<string, unknown>;
  expect(last).toMatchObject({ threads: THREADS, failed: 0 });
  expect(Number(last["migrated"]) + Number(last["alreadyThere"])).toBe(THREADS);
  expect(Number(last["alreadyThere"])).toBeGreaterThan(KILL_AFTER * (KILLS - 1));
  expect(await checkpoints.countDocuments()).toBe(total);
  expect(await database.documents("checkpoint").countDocuments()).toBe(total);
  const alone = database.openSaver({
    checkpointCollectionName: "none",
    checkpointWritesCollectionName: "none",
  });
  for (const threadId of threadIds) await expectSame(alone, threadId);
  for (const threadId of threadIds.slice(0, 20)) {
    expect((await alone.verifyThread(threadId)).damages).toEqual([]);
  }
}, 900_000);

/** Small threads that the official saver stores, and copies of what it stored under further ids. */
async function fillMany(): Promise<string[]> {
  await official.setup();
  const models = Array.from({ length: MODELS }, (_, index) => `thread-${index}`);
  for (const [index, threadId] of models.entries()) {
    // Most are of one checkpoint; some have a fork, a subgraph and an interrupt.
    if (index < 2) await fillOfficial(official, threadId, 1);
    else await fillSmall(threadId);
  }
  const ids = [...models];
  for (const name of ["checkpoints", "checkpoint_writes"]) {
    const documents = await database.db.collection(name).find().toArray();
    const copies = [];
    for (let copy = MODELS; copy < THREADS; copy += 1) {
      for (const { _id, ...document } of documents) {
        if (document["thread_id"] === `thread-${copy % MODELS}`) {
          copies.push({ ...document, thread_id: `thread-${copy}` });
        }
      }
      if (name === "checkpoints") ids.push(`thread-${copy}`);
    }
    await database.db.collection(name).insertMany(copies);
  }
  return ids;
}

async function fillSmall(threadId: string): Promise<void> {
  const checkpoint = makeCheckpoint({ messages: [new HumanMessage(threadId)], count: 1 });
  const config = await putCheckpoint(official, threadConfig(threadId), checkpoint);
  await official.putWrites(config, [["messages", new AIMessage("next")]], "task");
}

async function expectSame(
  saver: ReturnType<typeof database.openSaver>,
  threadId: string,
): Promise<void> {
  const tuple = await saver.getTuple(threadConfig(threadId));
  const original = await official.getTuple(threadConfig(threadId));
  expect(tuple?.checkpoint).toEqual(original!.checkpoint);
  expect(tuple!.metadata).toEqual(original!.metadata);
  expect(isDeepStrictEqual(tuple!.pendingWrites, original!.pendingWrites)).toBe(true);
}

/** @returns its last line, or that it was killed */
async function runMigration({ killAfter = Infinity }: { killAfter?: number }): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      "--conditions=@threadkeep/source",
      "--disable-warning=ExperimentalWarning",
      program,
      database.uri,
      database.name,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = once(child, "exit");
  let last = "";
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    const threads = Number(line);
    if (Number.isNaN(threads)) continue;
    const done = await database.db
      .collection("threadkeep_threads")
      .countDocuments({ kind: "thread", deleted_at: { $exists: false } });
    if (done >= killed + killAfter) child.kill("SIGKILL");
  }
  await exited;
  const isKilled = child.signalCode === "SIGKILL";
  killed = await database.db
    .collection("threadkeep_threads")
    .countDocuments({ kind: "thread", deleted_at: { $exists: false } });
  return isKilled ? "killed" : last;
}

/** Threads that were there when the last process ended. */
let killed = 0;
