import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { MongoClient } from "mongodb";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { benchmarks } from "./benchmarks/index.ts";
import { performCase } from "./harness/perform-case.ts";
import { judge } from "./harness/target.ts";
import type { ResultFile } from "./report/result-file.ts";

const client = new MongoClient(inject("mongodbUri"));

afterAll(() => client.close());

describe.each(benchmarks)("$name", (benchmark) => {
  it.each(benchmark.variants ?? [undefined])(
    "gives figures for its targets (%s)",
    async (variant) => {
      await using database = temporaryDatabase(client);
      const row = await performCase(
        {
          case: {
            benchmark: benchmark.name,
            saver: "threadkeep",
            turns: 1,
            ...(variant !== undefined && { variant }),
          },
          database: { uri: inject("mongodbUri"), name: database.name },
        },
        () => {},
      );
      const own = benchmark.targets.filter(
        ({ goal }) => variant === undefined || goal.startsWith(variant),
      );
      for (const judgement of judge(own, [row])) {
        // A single put has no later one.
        if (judgement.goal.includes("later put")) continue;
        expect(judgement, judgement.goal).toMatchObject({ measured: expect.any(Number) });
      }
    },
  );
});

describe("pnpm bench", () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "threadkeep-bench-"));
  });

  afterAll(() => rm(directory, { recursive: true }));

  it("runs a case in a process of its own and writes table, JSON and plot", async () => {
    const json = join(directory, "results.json");
    const svg = join(directory, "plot.svg");
    const { stdout } = await bench([
      "long-thread",
      ...["--turns", "2", "--saver", "threadkeep", "--json", json, "--svg", svg],
    ]);
    expect(stdout).toContain("commands a turn");
    const { runs } = JSON.parse(await readFile(json, "utf8")) as ResultFile;
    expect(runs[0]?.rows[0]).toMatchObject({ case: "long-thread", saver: "threadkeep", turns: 2 });
    expect(await readFile(svg, "utf8")).toMatch(/^<svg/);
    expect(await client.db().admin().listDatabases()).not.toMatchObject({
      databases: expect.arrayContaining([{ name: expect.stringContaining("threadkeep_bench_") }]),
    });
  });

  it("names what there is when a name is unknown, with an exit code other than 0", async () => {
    await expect(bench(["long-tread"])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/no benchmark "long-tread".*long-thread/),
    });
  });
});

function bench(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  return promisify(execFile)(process.execPath, ["--conditions=@threadkeep/source", main, ...args], {
    env: { ...process.env, MONGODB_URI: inject("mongodbUri") },
  });
}
