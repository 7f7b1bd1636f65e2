import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { programs } from "../command/programs.ts";

/** Runs a program of `test/bench`; rejects unless it exits with 0. */
function run(path: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const program = fileURLToPath(new URL(`../${path}`, import.meta.url));
  return promisify(execFile)(process.execPath, [
    "--conditions=@threadkeep/source",
    program,
    ...args,
  ]);
}

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-bench-llm-"));
});

afterAll(() => rm(directory, { recursive: true }));

it("the help of pnpm bench lists the programs and nothing else of their folder", async () => {
  const { stdout } = await run("main.ts", "--help");
  expect(stdout.match(/^llm-\S+/gm)).toEqual(Object.keys(programs));
});

// Each test waits for a process of its own.
describe.concurrent.each(Object.keys(programs))("%s", (name) => {
  const program = `llm/${name}.ts`;

  it("explains itself", async () => {
    expect((await run(program, "--help")).stdout).toContain(`pnpm bench ${name} [options]`);
  });

  it("says what is wrong with a number, with exit code 2", async () => {
    const failure = run(program, "--calls=0");
    await expect(failure).rejects.toMatchObject({ code: 2 });
    await expect(failure).rejects.toThrow("--calls");
  });

  it("gets its flags from pnpm bench, which exits as it does: with 2 where it knows no such flag", async () => {
    const failure = run("main.ts", name, "--bogus");
    await expect(failure).rejects.toMatchObject({ code: 2 });
    await expect(failure).rejects.toThrow("--bogus");
  });

  it("writes its figures as JSON and into Markdown", async () => {
    const mark = name.replace("llm-", "");
    const json = join(directory, `${name}.json`);
    const page = join(directory, `${name}.md`);
    await writeFile(page, `before\n<!-- ${mark}:begin -->\nold\n<!-- ${mark}:end -->\nafter\n`);
    const rounds = name === "llm-overhead" ? ["--rounds=1"] : [];
    // So few calls reach the goal or not; either way the figures are there.
    await run(program, "--calls=4", ...rounds, `--json=${json}`, `--into=${page}`).catch(() => {});
    expect(JSON.parse(await readFile(json, "utf8"))).toMatchObject({ benchmark: name, calls: 4 });
    const text = await readFile(page, "utf8");
    expect(text).toContain("ResilientChatModel");
    expect(text).toMatch(/^before\n/);
    expect(text).toMatch(/\nafter\n$/);
    expect(text).not.toContain("old");
  });
});
