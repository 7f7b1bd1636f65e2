import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programs } from "../command/programs.ts";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** Runs `pnpm bench` with these arguments; rejects unless it exits with 0. */
function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, ["--conditions=@threadkeep/source", main, ...args]);
}

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-bench-llm-"));
});

afterAll(() => rm(directory, { recursive: true }));

it("the help of pnpm bench lists the programs and nothing else of their folder", async () => {
  const { stdout } = await bench("--help");
  expect(stdout.match(/^llm-\S+/gm)).toEqual(Object.keys(programs));
});

describe.each(Object.keys(programs))("%s", (name) => {
  it("explains itself", async () => {
    expect((await bench(name, "--help")).stdout).toContain(`pnpm bench ${name} [options]`);
  });

  it.each(["--bogus", "--calls=0"])("%s: says what is wrong, with exit code 2", async (flag) => {
    const failure = bench(name, flag);
    await expect(failure).rejects.toMatchObject({ code: 2 });
    await expect(failure).rejects.toThrow(flag.split("=")[0]);
  });

  it("writes its figures as JSON and into Markdown", async () => {
    const mark = name.replace("llm-", "");
    const json = join(directory, `${name}.json`);
    const page = join(directory, `${name}.md`);
    await writeFile(page, `before\n<!-- ${mark}:begin -->\nold\n<!-- ${mark}:end -->\nafter\n`);
    const rounds = name === "llm-overhead" ? ["--rounds=1"] : [];
    // So few calls reach the goal or not; either way the figures are there.
    await bench(name, "--calls=4", ...rounds, `--json=${json}`, `--into=${page}`).catch(() => {});
    expect(JSON.parse(await readFile(json, "utf8"))).toMatchObject({ benchmark: name, calls: 4 });
    const text = await readFile(page, "utf8");
    expect(text).toContain("ResilientChatModel");
    expect(text).toMatch(/^before\n/);
    expect(text).toMatch(/\nafter\n$/);
    expect(text).not.toContain("old");
  });
});
