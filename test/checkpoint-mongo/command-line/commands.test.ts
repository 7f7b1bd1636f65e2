import { ERROR, INTERRUPT } from "@langchain/langgraph-checkpoint";
import { HumanMessage } from "@langchain/core/messages";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { commandsOn } from "./commands-on.ts";
import { runPiped, type PipedRun } from "./run-threadkeep.ts";

// Each command is a process of its own, and loads the driver and the saver.
vi.setConfig({ testTimeout: 90_000 });

const database = useDatabase();
const saver = database.openSaver();
const env = { MONGODB_URI: database.uri, THREADKEEP_DB: database.name };
const { run, runJson } = commandsOn(env);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "threadkeep-command-line-"));
});

afterAll(() => rm(folder, { recursive: true }));

/** A thread with so many checkpoints, each with another list. */
async function storeThread(threadId: string, checkpoints = 3): Promise<readonly string[]> {
  const ids: string[] = [];
  let config = threadConfig(threadId);
  for (let step = 0; step < checkpoints; step += 1) {
    const next = makeCheckpoint({ list: Array.from({ length: step + 1 }, (_, item) => item) });
    config = await putCheckpoint(saver, config, next, makeMetadata({ step }));
    ids.push(next.id);
  }
  return ids;
}

describe.concurrent("threadkeep threads", () => {
  it("prints a thread on each line for programs, and finds by status and metadata", async () => {
    await storeThread("found");
    await saver.threads.update("found", { metadata: { user: "ada", plan: 3 } });
    const { stdout, exitCode } = await run("threads", "--metadata", "user=ada", "-m", "plan=3");
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(
        /^found\tidle\t2\t\d{4}-\S+Z\t\d{4}-\S+Z\t\{"user":"ada","plan":3\}$/,
      ) as string,
      "",
    ]);
    expect(await runJson("threads", "-m", "user=ada", "--status", "error")).toEqual({
      threads: [],
    });
    expect(await runJson("threads", "-m", "user=ada", "--count")).toEqual({ count: 1 });
  });

  it("pages through threads with the cursor that JSON has", async () => {
    for (const threadId of ["page-1", "page-2"]) {
      await storeThread(threadId, 1);
      await saver.threads.update(threadId, { metadata: { paged: true } });
    }
    const search = ["threads", "-m", "paged=true", "--sort", "created", "--limit", "1"];
    const first = (await runJson(...search)) as { threads: unknown[]; cursor: string };
    const second = await runJson(...search, "--cursor", first.cursor);
    expect(first.threads).toMatchObject([{ threadId: "page-2" }]);
    expect(second).toMatchObject({ threads: [{ threadId: "page-1" }] });
  });

  it("escapes what could move a terminal's cursor", async () => {
    const threadId = "evil\u001B]0;title\u0007\u202E";
    await saver.threads.create(threadId, { metadata: { evil: "\u001B[2J" } });
    const { stdout } = await run("threads", "--metadata", 'evil="\\u001b[2J"');
    expect(stdout).toContain("evil\\u001b]0;title\\u0007\\u202e\t");
    // oxlint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u001B\u0007\u202E]/);
  });
});

describe.concurrent("threadkeep show", () => {
  it("shows where a thread stands, what it waits for and its state", async () => {
    const next = makeCheckpoint({ messages: [new HumanMessage("hello")], "branch:to:ask": null });
    const config = await putCheckpoint(
      saver,
      threadConfig("waits"),
      next,
      makeMetadata({ step: 5 }),
    );
    await saver.putWrites(config, [[INTERRUPT, [{ value: { question: "sure?" } }]]], "task");
    const { stdout } = await run("show", "waits");
    const fields = new Map(stdout.split("\n").map((line) => line.split("\t") as [string, string]));
    expect(fields.get("Status")).toBe("interrupted");
    expect(fields.get("Step")).toBe("5");
    expect(fields.get("Waits for")).toBe('{"question":"sure?"}');
    expect(fields.get("messages")).toBe("1 messages, the last: human: hello");
    expect(await runJson("show", "waits")).toMatchObject({
      thread: { status: "interrupted", checkpoints: 1 },
      checkpoint: {
        checkpoint: { id: next.id, channel_values: { messages: [{ type: "human" }] } },
      },
    });
  });

  it("shows the state at an earlier checkpoint, and the whole value of a channel", async () => {
    const [first] = await storeThread("earlier");
    const { stdout } = await run("show", "earlier", first!, "--channel", "list");
    expect(JSON.parse(stdout)).toEqual([0]);
    const { exitCode, stderr } = await run("show", "earlier", "--channel", "lost");
    expect({ exitCode, stderr }).toEqual({
      exitCode: 3,
      stderr: 'error: There is no channel "lost" in this checkpoint, only list.\n',
    });
  });

  it("ends with 3 for what is not there, and says how to find what is", async () => {
    await storeThread("there");
    const thread = await run("show", "not-there");
    expect(thread.exitCode).toBe(3);
    expect(thread.stderr).toContain("`threadkeep threads` lists");
    const checkpoint = await run("show", "there", "not-there", "--json");
    expect(checkpoint.exitCode).toBe(3);
    expect(JSON.parse(checkpoint.stderr)).toMatchObject({
      error: { code: "NOT_FOUND", exitCode: 3 },
    });
  });
});

describe.concurrent("threadkeep history", () => {
  it("lists checkpoints, the newest first, with what is pending", async () => {
    const ids = await storeThread("listed");
    const config = threadConfig("listed", { checkpointId: ids[1]! });
    await saver.putWrites(config, [[ERROR, new Error("no")]], "task");
    expect(await runJson("history", "listed", "--limit", "2")).toMatchObject({
      checkpoints: [
        { checkpointId: ids[2], parentCheckpointId: ids[1], step: 2, errors: 0 },
        { checkpointId: ids[1], parentCheckpointId: ids[0], step: 1, errors: 1 },
      ],
    });
    const before = await run("history", "listed", "--before", ids[1]!);
    expect(before.stdout.split("\t")[0]).toBe(ids[0]);
  });

  it("ends with 3 for a thread that is not there", async () => {
    expect((await run("history", "not-there")).exitCode).toBe(3);
  });
});

describe.concurrent("threadkeep verify", () => {
  it("ends with 0 for a whole thread and with 4 for a damaged one, and says which document", async () => {
    await storeThread("whole");
    const [damaged] = await storeThread("damaged");
    await database
      .documents("checkpoint")
      .updateOne({ thread_id: "damaged", checkpoint_id: damaged }, { $set: { seq: 77 } });
    expect((await run("verify", "whole")).exitCode).toBe(0);
    const { exitCode, stdout } = await run("verify", "whole", "damaged");
    expect(exitCode).toBe(4);
    expect(stdout).toContain(`damaged\tcheckpoint\t${damaged}\t`);
    expect(stdout).not.toContain("whole");
  });

  it("--all finds damage in any thread, and a thread whose record is lost", async () => {
    await storeThread("without-record");
    await database.documents("thread").deleteOne({ thread_id: "without-record" });
    const { exitCode, stdout } = await run("verify", "--all", "--json");
    const { threads, damaged } = JSON.parse(stdout) as {
      threads: number;
      damaged: readonly { threadId: string }[];
    };
    expect(exitCode).toBe(4);
    expect(threads).toBeGreaterThan(1);
    expect(damaged.map(({ threadId }) => threadId)).toContain("without-record");
  });

  it("ends with 3 for a thread that is not there", async () => {
    expect((await run("verify", "not-there")).exitCode).toBe(3);
  });
});

describe.concurrent("what destroys", () => {
  it("changes nothing without a terminal and without --yes", async () => {
    const ids = await storeThread("kept");
    for (const command of [
      ["delete", "kept"],
      ["prune", "kept", "--keep-latest"],
    ]) {
      const { exitCode, stderr } = await run(...command);
      expect(exitCode).toBe(5);
      expect(stderr).toContain("Give --yes");
    }
    expect(await saver.threads.get("kept")).toMatchObject({ checkpoints: ids.length });
  });

  it("prune --yes leaves what was said, and what it freed is told", async () => {
    const ids = await storeThread("pruned", 5);
    expect(await runJson("prune", "pruned", "--keep-last", "2", "--yes")).toMatchObject({
      threads: 1,
      checkpoints: 3,
      refused: [],
    });
    const kept = await Array.fromAsync(saver.list(threadConfig("pruned")));
    expect(kept.map(({ checkpoint }) => checkpoint.id)).toEqual([ids[4], ids[3]]);
  });

  it("delete --yes deletes all that were named, and nothing if one is not there", async () => {
    await storeThread("gone");
    const refused = await run("delete", "gone", "never-there", "--yes");
    expect(refused.exitCode).toBe(3);
    expect(refused.stderr).toContain('"never-there"');
    expect(await saver.threads.get("gone")).toBeDefined();
    expect(await runJson("delete", "gone", "never-there", "--yes", "--if-exists")).toEqual({
      deleted: ["gone"],
      missing: ["never-there"],
    });
    expect(await saver.threads.get("gone")).toBeUndefined();
  });
});

describe.concurrent("threadkeep setup, sweep, stats and doctor", () => {
  it("setup makes the indexes that doctor finds, and doctor misses one that is dropped", async () => {
    const prefix = "doctor_";
    const place = ["--collection-prefix", prefix];
    const before = await run("doctor", ...place, "--json");
    expect(before.exitCode).toBe(0);
    expect(findingsOf(before)).toContainEqual(
      expect.objectContaining({ check: "Indexes", verdict: "warning" }),
    );
    expect(await runJson("setup", ...place)).toMatchObject({ collection: "doctor_threads" });
    const healthy = await run("doctor", ...place, "--json");
    expect(healthy.exitCode).toBe(0);
    expect(findingsOf(healthy)).toContainEqual(
      expect.objectContaining({ check: "Indexes", verdict: "ok" }),
    );
    await database.db.collection(`${prefix}threads`).dropIndex("order");
    const ill = await run("doctor", ...place, "--json");
    expect(ill.exitCode).toBe(4);
    expect(findingsOf(ill)).toContainEqual(
      expect.objectContaining({
        check: "Indexes",
        verdict: "problem",
        found: "order is missing",
        advice: "Run `threadkeep setup`.",
      }),
    );
  });

  it("doctor looks at all that endangers threads", async () => {
    const { stdout } = await run("doctor");
    const checks = stdout.split("\n").map((line) => line.split("\t")[0]);
    const expected =
      "Node.js,@langchain/langgraph,@langchain/langgraph-checkpoint,mongodb,Connection,Server,Topology," +
      "Round trip,Clock,Write concern,Collection,TTL monitor,Integrity keys";
    expect(checks).toEqual(expect.arrayContaining(expected.split(",")));
  });

  it("doctor finds what has expired long ago and is still there, and weak options", async () => {
    const late = database.db.collection("late_threads");
    await late.insertOne({ thread_id: "late", expires_at: new Date(Date.now() - 86_400_000) });
    const file = join(folder, "weak.json");
    await writeFile(file, JSON.stringify({ collectionPrefix: "late_", onCorruption: "fall-back" }));
    const ill = await run("doctor", "--config", file, "--json");
    expect(ill.exitCode).toBe(4);
    expect(findingsOf(ill)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ check: "TTL monitor", verdict: "problem" }),
        expect.objectContaining({ check: "onCorruption", verdict: "warning" }),
      ]),
    );
  });

  it("doctor tells of a server that does not answer, and ends with 4", async () => {
    const { exitCode, stdout } = await runPiped(["doctor", "--timeout", "1s"], {
      MONGODB_URI: "mongodb://user:s3cret@127.0.0.1:1/",
    });
    expect(exitCode).toBe(4);
    expect(stdout).toContain("Connection\tproblem\tCannot connect to 127.0.0.1:1");
    expect(stdout).not.toContain("s3cret");
  });

  it("stats counts threads by status, and sweep tells what it marked", async () => {
    const config = await putCheckpoint(
      saver,
      threadConfig("counted"),
      makeCheckpoint({ list: [1] }),
    );
    await saver.putWrites(config, [[ERROR, new Error("no")]], "task");
    const { threads } = (await runJson("stats")) as { threads: Record<string, number> };
    expect(threads["error"]).toBeGreaterThan(0);
    expect(await runJson("sweep", "counted", "--grace", "10m")).toEqual({
      condemned: 0,
      removed: 0,
    });
  });
});

describe.concurrent("the file of --config", () => {
  it("gives the saver keys, without which verify cannot read what is stored", async () => {
    const integrity = { key: "0123456789abcdef0123456789abcdef" };
    const keyed = database.openSaver({ integrity });
    await putCheckpoint(keyed, threadConfig("keyed"), makeCheckpoint({ list: [1] }));
    const file = join(folder, "saver-options.mjs");
    await writeFile(
      file,
      `export default { dbName: ${JSON.stringify(database.name)}, integrity: ${JSON.stringify(integrity)} };`,
    );
    const without = await run("show", "keyed");
    expect(without.exitCode).toBe(2);
    const shown = await runPiped(["show", "keyed", "--config", file, "--channel", "list"], {
      MONGODB_URI: database.uri,
    });
    expect(JSON.parse(shown.stdout)).toEqual([1]);
  });

  it("is refused if it cannot be loaded, holds no options, or unknown ones", async () => {
    const missing = await run("threads", "--config", join(folder, "missing.mjs"));
    expect(missing).toMatchObject({ exitCode: 2, stdout: "" });
    const file = join(folder, "wrong.json");
    await writeFile(file, JSON.stringify({ collectionPrefx: "a_" }));
    const wrong = await run("threads", "--config", file);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain("did you mean collectionPrefix?");
  });
});

/** What `doctor --json` found. */
function findingsOf({ stdout }: PipedRun): unknown {
  return (JSON.parse(stdout) as { findings: unknown }).findings;
}
