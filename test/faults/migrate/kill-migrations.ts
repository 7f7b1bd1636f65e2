import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { MongoClient, type Db } from "mongodb";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { openOfficial } from "../../checkpoint-mongo/migration/fill-official.ts";
import { threadConfig } from "../../checkpoint-mongo/make-checkpoint.ts";
import { storeOriginals } from "./store-originals.ts";

/** What came of a migration that was killed again and again. */
export interface MigrationKillsResult {
  readonly threads: number;
  readonly checkpoints: number;
  /** Threads that were here when each process died. */
  readonly movedAtKill: readonly number[];
  /** Since the first process started. */
  readonly seconds: number;
  /** What must not be, in words. */
  readonly violations: readonly string[];
}

const PROGRAM = fileURLToPath(new URL("migration-process.ts", import.meta.url));

const COMPILED = fileURLToPath(
  new URL("../../../node_modules/.cache/threadkeep/compiled", import.meta.url),
);

/** Threads that are read from both after each kill. */
const SAMPLE = 20;

/**
 * Migrates threads of the official saver by processes that are killed with SIGKILL, one after the other, and
 * compares what both savers read in between and at the end.
 */
export async function killMigrations(
  uri: string,
  { threads, kills }: { readonly threads: number; readonly kills: number },
  report: (text: string) => void = () => undefined,
): Promise<MigrationKillsResult> {
  const dbName = `threadkeep_migrate_${randomBytes(8).toString("hex")}`;
  const client = new MongoClient(uri);
  const db = client.db(dbName);
  const violations: string[] = [];
  try {
    const ids = await storeOriginals(client, dbName, threads);
    const checkpoints = await db.collection("checkpoints").countDocuments();
    const official = openOfficial(client, dbName);
    const compare = async (saver: MongoDBSaver, threadId: string, when: string): Promise<void> => {
      const config = threadConfig(threadId);
      const [ours, theirs] = [await saver.getTuple(config), await official.getTuple(config)];
      const isSame =
        isDeepStrictEqual(ours?.checkpoint, theirs?.checkpoint) &&
        isDeepStrictEqual(ours?.metadata, theirs?.metadata) &&
        isDeepStrictEqual(ours?.pendingWrites, theirs?.pendingWrites);
      if (!isSame) violations.push(`${threadId} does not read the same ${when}`);
    };
    const startedMs = performance.now();
    const movedAtKill: number[] = [];
    // Kills come while there is still enough to do, though some more threads are moved before a process dies.
    const share = threads / (kills + 2);
    for (let kill = 0; kill < kills; kill += 1) {
      const before = movedAtKill.at(-1) ?? 0;
      const end = await runMigration(uri, db, before + share);
      if (end !== "killed") violations.push(`It ended before kill ${kill + 1}: ${end}`);
      movedAtKill.push(await countMoved(db));
      report(`${kill + 1} of ${kills} kills, ${movedAtKill.at(-1)} of ${threads} threads`);
      const inPlace = new MongoDBSaver({ client, dbName });
      const step = Math.max(1, Math.floor(threads / SAMPLE));
      for (let index = kill; index < threads; index += step) {
        await compare(inPlace, ids[index]!, `after kill ${kill + 1}`);
      }
    }
    const last = JSON.parse(await runMigration(uri, db, Infinity)) as Record<string, number>;
    const seconds = (performance.now() - startedMs) / 1_000;
    const { migrated = 0, alreadyThere = 0, failed } = last;
    if (failed !== 0 || migrated + alreadyThere !== threads) {
      violations.push(`The last process says ${JSON.stringify(last)}`);
    }
    if (alreadyThere < (movedAtKill.at(-1) ?? 0)) violations.push("A thread was moved twice");
    const originals = await db.collection("checkpoints").countDocuments();
    if (originals !== checkpoints) violations.push(`${checkpoints - originals} originals are gone`);
    const moved = await db.collection("threadkeep_threads").countDocuments({ kind: "checkpoint" });
    if (moved !== checkpoints) violations.push(`${moved} checkpoints are here, not ${checkpoints}`);
    const alone = new MongoDBSaver({
      client,
      dbName,
      checkpointCollectionName: "none",
      checkpointWritesCollectionName: "none",
    });
    for (const [index, threadId] of ids.entries()) {
      await compare(alone, threadId, "in the end");
      const { damages } =
        index % SAMPLE === 0 ? await alone.verifyThread(threadId) : { damages: [] };
      if (damages.length > 0) violations.push(`${threadId} is damaged: ${JSON.stringify(damages)}`);
      if (index % 100 === 0) report(`read ${index} of ${threads} threads`);
    }
    return { threads, checkpoints, movedAtKill, seconds, violations };
  } finally {
    await db.dropDatabase();
    await client.close();
  }
}

/** @returns its last line, or that it was killed */
async function runMigration(uri: string, db: Db, killAt: number): Promise<string> {
  const child = spawn(
    process.execPath,
    ["--conditions=@threadkeep/source", "--no-warnings", PROGRAM, uri, db.databaseName],
    {
      stdio: ["ignore", "pipe", "inherit"],
      env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
    },
  );
  const exited = once(child, "exit");
  let last = "";
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    // It also counts threads that were moved before.
    if (Number(line) >= killAt && (await countMoved(db)) >= killAt) child.kill("SIGKILL");
  }
  await exited;
  return child.signalCode === "SIGKILL" ? "killed" : last;
}

/** Threads that are here as a whole. */
function countMoved(db: Db): Promise<number> {
  return db
    .collection("threadkeep_threads")
    .countDocuments({ kind: "thread", deleted_at: { $exists: false } });
}
