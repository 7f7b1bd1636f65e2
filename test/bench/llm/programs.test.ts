import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { listPrograms } from "../command/programs.ts";

const OF_MODELS = listPrograms().filter((name) => name.startsWith("llm-"));

// Each program starts others.
vi.setConfig({ testTimeout: 120_000 });

/** Runs a program of `test/bench`; rejects unless it exits with 0. */
function run(path: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const program = fileURLToPath(new URL(`../${path}`, import.meta.url));
  return promisify(execFile)(process.execPath, [
    "--conditions=@threadkeep/source",
    program,
    ...args,
  ]);
}

/** The gateways have to be installed first, which takes longer than a test. */
const WITHOUT_GATEWAYS = ["--without=litellm", "--without=portkey"];

let directory: string;

/** A page with a place for the table of a mark. */
async function createPage(mark: string): Promise<string> {
  const page = join(directory, `${mark}.md`);
  await writeFile(page, `before\n<!-- ${mark}:begin -->\nold\n<!-- ${mark}:end -->\nafter\n`);
  return page;
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-bench-llm-"));
});

afterAll(() => rm(directory, { recursive: true }));

it("the help of pnpm bench lists the programs and nothing else of their folder", async () => {
  const { stdout } = await run("main.ts", "--help");
  const listed = stdout.match(/^\S+(?= {4}its own options)/gm);
  expect(listed).toEqual(listPrograms());
});

// Each test waits for a process of its own.
describe.concurrent.each(OF_MODELS)("%s", (name) => {
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
    const page = await createPage(mark);
    const short = name === "llm-journal" ? ["--rounds=1", "--tokens=100"] : ["--rounds=1"];
    const sizes = name === "llm-faults" ? WITHOUT_GATEWAYS : short;
    // So few calls reach the goal or not; either way the figures are there.
    await run(program, "--calls=4", ...sizes, `--json=${json}`, `--into=${page}`).catch(() => {});
    expect(JSON.parse(await readFile(json, "utf8"))).toMatchObject({ benchmark: name, calls: 4 });
    const text = await readFile(page, "utf8");
    expect(text).toContain("ResilientChatModel");
    expect(text).toMatch(/^before\n/);
    expect(text).toMatch(/\nafter\n$/);
    expect(text).not.toContain("old");
  });
});

// One after the other, so that the measurements do not disturb each other.
describe("llm-faults: shapes and contenders", () => {
  const program = "llm/llm-faults.ts";

  it("lets ResilientChatModel get every answer right against what providers send", async () => {
    const json = join(directory, "providers.json");
    const page = await createPage("provider-faults");
    const flags = ["--shapes=providers", "--calls=16", `--json=${json}`, `--into=${page}`];
    await run(program, ...flags, ...WITHOUT_GATEWAYS).catch(() => {});
    const { results } = JSON.parse(await readFile(json, "utf8")) as {
      readonly results: readonly { readonly contender: string; readonly right: number }[];
    };
    expect(results.map(({ contender }) => contender)).toHaveLength(4);
    expect(results.at(-1)).toMatchObject({ contender: "ResilientChatModel", right: 16, wrong: 0 });
    expect(await readFile(page, "utf8")).toContain("--shapes providers --calls 16");
  });

  it("lets Portkey's gateway take part, or says why it cannot", async () => {
    const json = join(directory, "portkey.json");
    const without = ["chat-openai", "with-retry", "create-agent", "litellm"];
    const flags = without.map((id) => `--without=${id}`);
    await run(program, "--calls=4", ...flags, `--json=${json}`).catch(() => {});
    const { absent, results } = JSON.parse(await readFile(json, "utf8")) as {
      readonly results: readonly { readonly contender: string; readonly right: number }[];
      readonly absent: readonly { readonly contender: string; readonly reason: string }[];
    };
    const answers = results.filter(({ right }) => right > 0).map(({ contender }) => contender);
    // Only where the npm registry is out of reach.
    const excused = absent.filter(({ reason }) => /^npm install .* failed/.test(reason));
    expect([...excused.map(({ contender }) => contender), ...answers]).toEqual([
      expect.stringContaining("Portkey"),
      "ResilientChatModel",
    ]);
  });

  it.each([
    ["--shapes", "shapes"],
    ["--without", "resilient"],
  ])("says what %s can be, with exit code 2", async (flag, value) => {
    const failure = run(program, `${flag}=${value}`);
    await expect(failure).rejects.toMatchObject({ code: 2 });
    await expect(failure).rejects.toThrow(`${flag} is "${value}"; it has to be one of`);
  });
});
