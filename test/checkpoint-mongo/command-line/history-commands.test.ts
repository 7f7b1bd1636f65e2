import { describe, expect, it, vi } from "vitest";
import { makeCheckpoint, makeMetadata, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { commandsOn } from "./commands-on.ts";

// Each command is a process of its own, and loads the driver and the saver.
vi.setConfig({ testTimeout: 180_000 });

const database = useDatabase();
const saver = database.openSaver();
const env = { MONGODB_URI: database.uri, THREADKEEP_DB: database.name };
const { run, runJson } = commandsOn(env);

/** A thread of three checkpoints, each with a longer list. */
async function storeThread(threadId: string): Promise<readonly string[]> {
  const ids: string[] = [];
  let config = threadConfig(threadId);
  for (const [step, list] of [["one"], ["one", "two"], ["one", "two", "three"]].entries()) {
    const next = makeCheckpoint({ list });
    config = await putCheckpoint(saver, config, next, makeMetadata({ step }));
    ids.push(next.id);
  }
  return ids;
}

async function readList(threadId: string): Promise<unknown> {
  const tuple = await saver.getTuple(threadConfig(threadId));
  return tuple!.checkpoint.channel_values["list"];
}

describe.concurrent("threadkeep label", () => {
  it("names a checkpoint, lists names, and takes them away", async () => {
    const [first, , last] = await storeThread("labelled");
    await runJson("label", "labelled", "latest", "--type", "before_call");
    await runJson("label", "labelled", "good", "--checkpoint", first!);
    const { stdout } = await run("label", "labelled");
    expect(stdout).toContain(`good\tmanual\t${first}\t`);
    expect(stdout).toContain(`latest\tbefore_call\t${last}\t`);
    await runJson("label", "labelled", "good", "--remove");
    expect(await runJson("label", "labelled", "--type", "manual")).toMatchObject({ labels: [] });
    expect((await run("label", "not-there", "x")).exitCode).toBe(3);
  });
});

describe.concurrent("threadkeep rollback", () => {
  it("goes back to a label, and --undo brings back what was", async () => {
    const [first] = await storeThread("back");
    await saver.label(threadConfig("back", { checkpointId: first! }), { name: "start" });
    expect(await runJson("rollback", "back", "--to", "start", "--discard", "--yes")).toMatchObject({
      targetId: first,
      discarded: 2,
    });
    expect(await readList("back")).toEqual(["one"]);
    await runJson("rollback", "back", "--undo");
    expect(await readList("back")).toEqual(["one", "two", "three"]);
  });

  it("goes steps back, and changes nothing without --yes or for what is not there", async () => {
    await storeThread("steps");
    expect((await run("rollback", "steps", "--steps", "1")).exitCode).toBe(5);
    expect((await run("rollback", "steps", "--to", "lost", "--yes")).exitCode).toBe(3);
    expect((await run("rollback", "steps", "--to", "a", "--steps", "1")).exitCode).toBe(2);
    expect(await readList("steps")).toEqual(["one", "two", "three"]);
    await runJson("rollback", "steps", "--steps", "1", "--yes");
    expect(await readList("steps")).toEqual(["one", "two"]);
  });
});

describe.concurrent("threadkeep diff", () => {
  it("prints what was added, line by line, and nothing of what is the same", async () => {
    const [first] = await storeThread("differs");
    const { stdout } = await run("diff", "differs", first!);
    expect(stdout).toBe('list\t+\t"two"\nlist\t+\t"three"\n');
    const same = await run("diff", "differs");
    expect(same).toMatchObject({ exitCode: 0, stdout: "", stderr: "No differences.\n" });
    expect((await run("diff", "differs", "not-there")).exitCode).toBe(3);
  });
});

describe.concurrent("threadkeep copy", () => {
  it("copies a thread, and refuses a target that has checkpoints", async () => {
    await storeThread("source");
    expect(await runJson("copy", "source", "target")).toMatchObject({ checkpoints: 3 });
    expect(await readList("target")).toEqual(["one", "two", "three"]);
    const again = await run("copy", "source", "target");
    expect(again.exitCode).toBe(5);
    expect(again.stderr).toContain("target");
    expect((await run("copy", "not-there", "elsewhere")).exitCode).toBe(3);
  });

  it("--from begins a thread with the state of a checkpoint or label", async () => {
    const [first] = await storeThread("forked");
    const fork = ["copy", "forked", "branch", "--from"];
    expect(await runJson(...fork, first!)).toMatchObject({ target: "branch", checkpointId: first });
    expect(await readList("branch")).toEqual(["one"]);
    expect((await run("copy", "forked", "other", "--from", "no-label")).exitCode).toBe(3);
  });
});
