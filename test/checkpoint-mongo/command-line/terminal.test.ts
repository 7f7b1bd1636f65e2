import { describe, expect, it, vi } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "../make-checkpoint.ts";
import { useDatabase } from "../use-database.ts";
import { readScreen, runOnTerminal, startOnTerminal } from "./run-threadkeep.ts";

vi.setConfig({ testTimeout: 90_000 });

const database = useDatabase();
const saver = database.openSaver();
const env = { MONGODB_URI: database.uri, THREADKEEP_DB: database.name };

async function storeThread(threadId: string): Promise<void> {
  let config = threadConfig(threadId);
  for (const list of [[1], [1, 2]]) {
    config = await putCheckpoint(saver, config, makeCheckpoint({ list }));
  }
}

describe.concurrent("on a terminal", () => {
  it("threads is a table with titles, relative times and colours", async () => {
    await storeThread("shown");
    const { exitCode, shown } = await runOnTerminal(["threads"], env);
    expect(exitCode).toBe(0);
    const lines = readScreen(shown);
    expect(lines[0]).toMatch(/^THREAD +STATUS +STEP +UPDATED +CREATED/);
    expect(lines.find((line) => line.startsWith("shown "))).toMatch(
      /^shown +idle +0 +(?:now|\d+ \w+ ago)/,
    );
    expect(shown).toContain("\u001B[32midle");
  });

  it("NO_COLOR takes the colours away", async () => {
    await storeThread("plain");
    const { shown } = await runOnTerminal(["threads"], { ...env, NO_COLOR: "1" });
    expect(shown).not.toContain("\u001B[32m");
    expect(shown).not.toContain("\u001B[2m");
    expect(shown).toContain("THREAD");
  });

  it("a table is no wider than the terminal", async () => {
    await saver.threads.create("w".repeat(150), { metadata: { note: "long ".repeat(40) } });
    const { shown } = await runOnTerminal(["threads"], env, 80);
    const lengths = readScreen(shown).map((line) => line.length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(80);
    expect(shown).toContain("…");
  });

  it("verify shows a bar while it works, takes it off, and shows the cursor again", async () => {
    await storeThread("verified");
    const { exitCode, shown } = await runOnTerminal(["verify", "verified"], env);
    expect(exitCode).toBe(0);
    expect(shown).toMatch(/[█░]+ \d+\/1 threads/);
    expect(shown.lastIndexOf("\u001B[?25h")).toBeGreaterThan(shown.lastIndexOf("\u001B[?25l"));
    const last = readScreen(shown).findLast((line) => line !== "");
    expect(last).toMatch(/✓ No damage in 1 thread, 2 checkpoints/);
  });

  it("delete asks, and does what the answer says", async () => {
    await storeThread("asked");
    for (const [answer, exitCode, isThere] of [
      ["n\r", 5, true],
      ["\r", 5, true],
      // The end of the input is no answer.
      ["\u0004", 5, true],
      ["y\r", 0, false],
    ] as const) {
      const run = startOnTerminal(["delete", "asked"], env);
      await run.until("[y/N]");
      expect(run.shown).toContain('Delete thread "asked" with all checkpoints?');
      run.type(answer);
      expect(await run.ended).toBe(exitCode);
      expect((await saver.threads.get("asked")) !== undefined).toBe(isThere);
    }
  });

  it("Ctrl-C at a question ends with 130 and changes nothing", async () => {
    await storeThread("interrupted");
    const run = startOnTerminal(["delete", "interrupted"], env);
    await run.until("[y/N]");
    run.type("\u0003");
    expect(await run.ended).toBe(130);
    expect(await saver.threads.get("interrupted")).toBeDefined();
  });

  it("a wrong command line points to the help", async () => {
    const { exitCode, shown } = await runOnTerminal(["threads", "--limt", "1"], env);
    expect(exitCode).toBe(2);
    expect(readScreen(shown)).toContain("threadkeep threads --help shows how it is used.");
  });
});
