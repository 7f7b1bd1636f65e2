import { uuid6 } from "@langchain/langgraph-checkpoint";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CommandProxy, isOfDriver } from "../../network/command-proxy.ts";
import { readEverything } from "../langgraph-usage/read-everything.ts";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { fillSmallOfficial, openOfficial } from "../migration/fill-official.ts";
import { useDatabase } from "../use-database.ts";
import { commandsOn } from "./commands-on.ts";
import { readScreen, runPiped, startOnTerminal, startPiped } from "./run-threadkeep.ts";

// Each command is a process of its own, and loads the driver and the saver.
vi.setConfig({ testTimeout: 180_000 });

const database = useDatabase();
const saver = database.openSaver();
const env = { MONGODB_URI: database.uri, THREADKEEP_DB: database.name };
const { run, runJson } = commandsOn(env);
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-commands-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function storeThread(threadId: string): Promise<void> {
  let config = threadConfig(threadId);
  for (const list of [["one"], ["one", "two"]]) {
    config = await putCheckpoint(saver, config, makeCheckpoint({ list }));
  }
  await saver.putWrites(config, [["list", "pending"]], "task");
}

describe.concurrent("threadkeep export and import", () => {
  it("move a thread through a file, compressed as its name says, under another id", async () => {
    await storeThread("filed");
    const file = join(directory, "filed.jsonl.zst");
    const exported = await runJson("export", "filed", file);
    const counts = { checkpoints: 2, writes: 1 };
    expect(exported).toMatchObject({ threadId: "filed", file, ...counts });
    expect((await readFile(file)).readUInt32LE()).toBe(0xfd2fb528);
    expect(await runJson("import", file, "--as", "filed-copy")).toMatchObject({
      threadId: "filed-copy",
      sourceThreadId: "filed",
      ...counts,
    });
    expect((await readEverything(saver, "filed-copy")).listed).toHaveLength(2);
  });

  it("move a thread through a pipe", async () => {
    await storeThread("piped");
    const { exitCode, stdout, stderr } = await run("export", "piped");
    expect(stderr).toMatch(/^Exported 2 checkpoints, .*\.\n$/);
    expect(exitCode).toBe(0);
    const elsewhere = ["import", "--collection-prefix", "elsewhere_"];
    const first = await runPiped(elsewhere, env, { input: stdout });
    expect(first.stdout).toMatch(/^Imported thread "piped": 2 checkpoints/);
    const other = database.openSaver({ collectionPrefix: "elsewhere_" });
    expect(await readEverything(other, "piped")).toEqual(await readEverything(saver, "piped"));
  });

  it("refuse what they cannot do with exit codes that say why, and leave no file", async () => {
    await storeThread("refused");
    const place = await mkdtemp(join(directory, "refused-"));
    const [file, cut] = [join(place, "there.jsonl"), join(place, "cut.jsonl")];
    await writeFile(file, "as it was");
    const whole = (await run("export", "refused")).stdout.split("\n");
    await writeFile(cut, whole.slice(0, -3).join("\n"));
    const missing = join(place, "missing", "x.jsonl");
    for (const [args, exitCode, message] of [
      [["export", "not-there", join(place, "x.jsonl")], 3, "not-there"],
      [["export", "refused", file], 5, "Give --yes"],
      [["export", "refused", missing], 2, `Cannot write ${JSON.stringify(missing)}: there is no`],
      [["import", missing], 2, `Cannot read ${JSON.stringify(missing)}: there is no such file`],
      [["import", cut, "--as", "refused-copy"], 4, "Line "],
    ] as const) {
      const refused = await run(...args);
      expect(refused).toMatchObject({ exitCode, stdout: "" });
      expect(refused.stderr).toContain(message);
      expect(refused.stderr).not.toContain("DEBUG=1");
    }
    expect((await readdir(place)).toSorted()).toEqual(["cut.jsonl", "there.jsonl"]);
    expect(await readFile(file, "utf8")).toBe("as it was");
    expect(await saver.getTuple(threadConfig("refused-copy"))).toBeUndefined();
  });

  it("an export that is ended by Ctrl-C leaves no file, and ends with 130", async () => {
    await storeThread("ended");
    const place = await mkdtemp(join(directory, "ended-"));
    await using slow = await CommandProxy.start(database.uri, async (command, send) => {
      if (!isOfDriver(command)) await sleep(300);
      return send(command);
    });
    const file = join(place, "ended.jsonl");
    const child = startPiped(["export", "ended", file], { ...env, MONGODB_URI: slow.uri });
    const ended = new Promise((resolve) => {
      child.once("exit", resolve);
    });
    while ((await readdir(place)).length === 0 && child.exitCode === null) await sleep(20);
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(await readdir(place)).toEqual([]);
  });
});

describe.concurrent("threadkeep archive", () => {
  it("moves threads to a directory and back, and looking at one leaves it there", async () => {
    await storeThread("cold");
    const before = await readEverything(saver, "cold");
    const store = join(directory, "cold");
    const place = ["--archive-store", store];
    const dry = await run("archive", "cold", "--dry-run", ...place);
    expect(dry).toMatchObject({ exitCode: 0, stdout: "cold\n", stderr: "1 thread would go.\n" });
    expect(await runJson("archive", "cold", ...place)).toMatchObject({
      archived: ["cold"],
      skipped: [],
      isDryRun: false,
    });
    expect(await readdir(store)).toHaveLength(1);

    const shown = await run("show", "cold");
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toMatch(/^Archived\t\d{4}-/m);
    expect(shown.stderr).toContain("threadkeep archive --restore cold brings it back");
    // The state is not here, and nobody has said where it is.
    const refused = await run("history", "cold");
    expect(refused).toMatchObject({ exitCode: 2, stdout: "" });
    expect(refused.stderr).toContain("On the command line this is --archive-store.");

    const again = await run("archive", "cold", "--restore", ...place);
    expect(again).toMatchObject({ exitCode: 0, stdout: "Restored 1 thread.\n", stderr: "" });
    expect(await readEverything(saver, "cold")).toEqual(before);
  });

  it("whose store fails ends with 6, says that it was the store, and leaves the thread", async () => {
    await storeThread("unstored");
    const before = await readEverything(saver, "unstored");
    const store = join(directory, "no-directory");
    await writeFile(store, "a file");
    const { exitCode, stderr } = await run("archive", "unstored", "--archive-store", store);
    expect(exitCode).toBe(6);
    expect(stderr).toContain(`The archive store ${store} failed: `);
    expect(await readEverything(saver, "unstored")).toEqual(before);
  });

  it("says what stayed and why, and needs a store", async () => {
    await storeThread("stays");
    const nowhere = await run("archive", "stays");
    expect(nowhere).toMatchObject({ exitCode: 2, stdout: "" });
    expect(nowhere.stderr).toContain("Set THREADKEEP_ARCHIVE_STORE");
    await saver.withLease("stays", async () => {
      const { exitCode, stderr } = await runPiped(["archive", "stays"], {
        ...env,
        THREADKEEP_ARCHIVE_STORE: join(directory, "stays"),
      });
      expect(exitCode).toBe(5);
      expect(stderr).toContain("1 thread left, being used now: stays");
    });
  });
});

describe("threadkeep migrate", () => {
  it("moves threads of the official saver, asks before their originals go, and says how far it is", async () => {
    const official = openOfficial(database.client, database.name);
    for (const threadId of ["moved-1", "moved-2"]) await fillSmallOfficial(official, threadId);
    const originals = database.db.collection("checkpoints");
    const dry = await runJson("migrate", "--dry-run");
    expect(dry).toMatchObject({ threads: 2, migrated: 2, checkpoints: 4, isDryRun: true });

    const unasked = await run("migrate", "--drop-source");
    expect(unasked).toMatchObject({ exitCode: 5, stdout: "" });
    expect(await database.readAll("moved-1")).toEqual([]);

    const asked = startOnTerminal(["migrate", "--drop-source"], env);
    await asked.until("[y/N]");
    expect(asked.shown).toContain("remove the originals of those that read the same");
    asked.type("y\r");
    expect(await asked.ended).toBe(0);
    expect(asked.shown).toMatch(/[█░]+ \d+\/4 checkpoints, \S+ left/);
    expect(asked.shown).toContain("originals compared and removed");
    const lines = readScreen(asked.shown);
    expect(lines).toContain("Moved              2");
    expect(lines).toContain("Originals removed  2");
    expect(await originals.countDocuments()).toBe(0);
    expect((await readEverything(saver, "moved-1")).listed).toHaveLength(2);
  });

  it("leaves a thread that cannot be read, says why, and ends with 4", async () => {
    const official = openOfficial(database.client, database.name);
    const threadId = uuid6(0);
    await fillSmallOfficial(official, threadId);
    await database.db
      .collection("checkpoints")
      .updateMany({ thread_id: threadId }, { $set: { checkpoint: Buffer.from("{damaged") } });
    const { exitCode, stdout, stderr } = await run("migrate", threadId, "--json");
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ migrated: 0, failed: [{ threadId }] });
    expect(stderr).toContain(`warning: ${threadId}: `);
  });
});
