/**
 * Our packages as their users have them: the tarballs, installed by npm beside LangGraph and what
 * else is used with it, in programs of either module system.
 */
import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { installConsumer, replaceDriver } from "./consumer-project.ts";
import { readProgram, type InstalledProject } from "./installed-project.ts";
import { packWorkspace } from "./pack-workspace.ts";
import { runProgram } from "./run-program.ts";
import { startScriptedModel, type ScriptedModel } from "./scripted-model.ts";

// npm installs, compilers compile: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 480_000 });

const MODULE_SYSTEMS = ["mts", "cts"] as const;
const AGENTS = ["agent.mts", "agent.cts"];
const DRIVERS = ["drivers.mts", "drivers.cts"];

const uri = inject("mongodbUri");
const client = new MongoClient(uri);
let directory: string;
let newest: InstalledProject;
let oldestDriver: InstalledProject;
let model: ScriptedModel;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "threadkeep-consumers-"));
  newest = await installConsumer(
    join(directory, "newest"),
    await packWorkspace(join(directory, "packed")),
  );
  oldestDriver = await replaceDriver(newest, join(directory, "oldest-driver"));
  await newest.compile([...AGENTS, ...DRIVERS, "both-builds.mts", "deep-agent.mts", "relay.mts"]);
  await oldestDriver.compile([...AGENTS, ...DRIVERS]);
  model = await startScriptedModel();
});

afterAll(async () => {
  await model?.close();
  await client.close();
  await rm(directory, { recursive: true });
});

/** Runs a program with a database of its own. */
async function run(
  project: InstalledProject,
  file: string,
  runtime?: readonly string[],
): Promise<unknown> {
  const database = temporaryDatabase(client);
  try {
    return await project.run(file, [uri, database.name, model.baseURL], runtime);
  } finally {
    await database.drop();
  }
}

describe.each(["typescript", "typescript-7"])("the compiler %s", (compiler) => {
  const check = (project: InstalledProject, ...files: readonly string[]) =>
    project.compile(files, { compiler: newest.find(compiler), noEmit: true });

  it("takes saver and model for LangGraph's, and clients of all drivers", async () => {
    const others = ["both-builds.mts", "deep-agent.mts", "relay.mts"];
    expect(await check(newest, ...AGENTS, ...DRIVERS, ...others)).toEqual([]);
  });

  it("does so where the driver is the oldest that is supported", async () => {
    expect(await check(oldestDriver, ...AGENTS, ...DRIVERS)).toEqual([]);
  });
});

describe.each(MODULE_SYSTEMS)("a program in %s", (kind) => {
  const expected = { texts: ["Are you there?", "I am.", "Still?", "I am."], human: 2, ai: 2 };

  it("gets back messages of its own copy of LangChain's classes", async () => {
    expect(await run(newest, `agent.${kind}`)).toEqual(expected);
  });

  it("works on the oldest Node.js and with the oldest driver that are supported", async () => {
    expect(await run(oldestDriver, `agent.${kind}`, [findNode("node-oldest")])).toEqual(expected);
  });

  it.each(["newest", "oldest"])(
    "uses one thread by clients of all drivers; ours: %s",
    async (which) => {
      const project = which === "newest" ? newest : oldestDriver;
      expect(await run(project, `drivers.${kind}`)).toEqual({
        lengths: { driver: 2, other: 4, mongoose: 6 },
        texts: ["driver, not driver, other, not other, mongoose, not mongoose"],
      });
    },
  );
});

it("errors are recognised across the two builds, and by their common base across the packages", async () => {
  expect(await newest.run("both-builds.mts", [])).toEqual({
    areTwo: [true, true],
    saverError: [true, true, false, true],
    modelError: [true, true, false, true],
  });
});

it("a deep agent's thread, with its files, continues in another process", async () => {
  const files = ["/note.txt"];
  const first = ["Note it.", "", expect.stringContaining("/note.txt") as string, "I am."];
  expect(await run(newest, "deep-agent.mts")).toEqual([
    { texts: first, files },
    { texts: [...first, "Thanks.", "I am."], files },
  ]);
});

it("LangGraph's API, embedded, resumes a run that another server began", async () => {
  // Its declarations are not made for `exactOptionalPropertyTypes`.
  const options = { exactOptionalPropertyTypes: false };
  expect(await newest.compile(["embed-server.mts"], options)).toEqual([]);
  expect(await run(newest, "embed-server.mts")).toEqual({
    found: [[true, "idle"]],
    values: { answer: "yes", seen: 1 },
    next: [],
    history: [
      ["loop", { answer: "yes", seen: 1 }],
      ["loop", { seen: 1 }],
      ["input", {}],
    ],
    stored: true,
  });
});

it("a program for the official package does the same with ours: only its import is changed", async () => {
  const written = await readProgram("drop-in.mts");
  const changed = written.replace(
    'from "@langchain/langgraph-checkpoint-mongodb"',
    'from "@threadkeep/checkpoint-mongo"',
  );
  expect(changed).not.toBe(written);
  const sources = { "drop-in-official.mts": written, "drop-in-ours.mts": changed };
  expect(await oldestDriver.compile(Object.keys(sources), {}, sources)).toEqual([]);
  const official = await run(oldestDriver, "drop-in-official.mts");
  expect(official).toContainEqual(["client", 1]);
  expect(await run(oldestDriver, "drop-in-ours.mts")).toEqual(official);
});

it("runtimes take turns at one thread, and all read the same of it", async () => {
  await using database = temporaryDatabase(client);
  const runtimes = [[process.execPath], [findNode("node-oldest")], ...listOtherRuntimes()];
  const turns = [...runtimes, ...runtimes.toReversed()];
  for (const runtime of turns) {
    await newest.run("relay.mts", [uri, database.name, "turn"], runtime);
  }
  const found: unknown[] = [];
  for (const runtime of runtimes) {
    found.push(await newest.run("relay.mts", [uri, database.name, "read"], runtime));
  }
  expect(found[0]).toMatchObject({
    damages: [],
    next: ["ask"],
    // A question and its answer, and before that an answer to what was asked at the end of the last.
    messages: 3 * turns.length - 1,
    areMessages: true,
    areDates: true,
  });
  expect(found).toEqual(found.map(() => found[0]));
});

describe("on a Node.js that is too old", () => {
  it.each([
    ["import", "@threadkeep/checkpoint-mongo"],
    ["require", "@threadkeep/checkpoint-mongo"],
    ["import", "@threadkeep/resilient-llm"],
    ["require", "@threadkeep/resilient-llm"],
  ])("%s of %s says which one is needed", async (how, name) => {
    const program = `${how === "import" ? `await import("${name}")` : `require("${name}")`};`;
    const { code, output } = await runProgram(
      findNode("node-too-old"),
      [`--input-type=${how === "import" ? "module" : "commonjs"}`, "-e", program],
      newest.directory,
    );
    expect(code).toBe(1);
    expect(output).toMatch(
      new RegExp(`${name} needs Node\\.js 22\\.15 or later.*; this is v20\\.\\d+\\.\\d+\\.`),
    );
  });
});

/** Commands of `THREADKEEP_RUNTIMES`, for example `bun deno`, which have to be on the PATH. */
function listOtherRuntimes(): string[][] {
  const names = (process.env["THREADKEEP_RUNTIMES"] ?? "").split(" ").filter((name) => name !== "");
  return names.map((name) => (name === "deno" ? [name, "run", "--allow-all"] : [name]));
}

/** The program of another Node.js, which is installed as a package. */
function findNode(name: "node-oldest" | "node-too-old"): string {
  const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
  return join(dirname(manifest), "bin", process.platform === "win32" ? "node.exe" : "node");
}
