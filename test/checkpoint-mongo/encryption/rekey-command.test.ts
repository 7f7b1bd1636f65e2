import { uuid6 } from "@langchain/langgraph-checkpoint";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { runPiped } from "../command-line/run-threadkeep.ts";
import { makeCheckpoint, makeMetadata, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { NEW_KEY, OLD_KEY, WITH_NEW, WITH_OLD } from "./encrypted-threads.ts";

vi.setConfig({ testTimeout: 90_000 });

const database = useDatabase();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rekey-"));
});

afterAll(() => rm(folder, { recursive: true }));

/** Options of a saver as a file, with the new key as the current one. */
async function writeConfig(name: string, killAt: number): Promise<string> {
  const file = join(folder, name);
  const keys = `{ old: ${JSON.stringify(OLD_KEY)}, new: ${JSON.stringify(Buffer.from(NEW_KEY).toString())} }`;
  await writeFile(
    file,
    `let updates = 0;
    const keys = ${keys};
    // Ends the process as the kernel does, between two data keys.
    const { Collection } = await import(${JSON.stringify(import.meta.resolve("mongodb"))});
    const update = Collection.prototype.updateOne;
    Collection.prototype.updateOne = function (...args) {
      updates += 1;
      if (updates === ${killAt}) process.kill(process.pid, "SIGKILL");
      return update.apply(this, args);
    };
    export default {
      dbName: ${JSON.stringify(database.name)},
      encryption: { keys, currentKeyId: "new" },
    };`,
  );
  return file;
}

it("threadkeep rekey goes on after a kill, and doctor says what is left", async () => {
  const threadIds = Array.from({ length: 6 }, () => uuid6(0));
  for (const threadId of threadIds) {
    const saver = database.openSaver({ encryption: WITH_OLD });
    await saver.put(threadConfig(threadId), makeCheckpoint({ a: 1 }), makeMetadata(), { a: 1 });
  }
  const env = { MONGODB_URI: database.uri };
  const countOld = () =>
    database.db.collection("threadkeep_keys").countDocuments({ key_id: "old" });
  const killed = await runPiped(["rekey", "--config", await writeConfig("killed.mjs", 4)], env);
  expect(killed.exitCode).toBe(null);
  const left = await countOld();
  expect(left).toBe(4);

  const config = await writeConfig("whole.mjs", 0);
  const doctor = await runPiped(["doctor", "--config", config], env);
  expect(doctor.stdout).toMatch(/Encryption\tok\ton, with the key new/);
  expect(doctor.stdout).toMatch(/Data keys\twarning\t4 need another key than new/);
  const whole = await runPiped(["rekey", "--config", config, "--json"], env);
  expect(JSON.parse(whole.stdout)).toMatchObject({
    keyId: "new",
    rewrapped: 4,
    failed: [],
    left: 0,
  });
  expect(whole.exitCode).toBe(0);
  for (const threadId of threadIds) {
    const saver = database.openSaver({ encryption: WITH_NEW });
    expect(await saver.getTuple(threadConfig(threadId))).toBeDefined();
  }
  const without = await runPiped(["rekey"], env);
  expect(without.exitCode).toBe(2);
  expect(without.stderr).toContain("--config");
});
