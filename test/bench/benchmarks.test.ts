import { temporaryDatabase } from "@threadkeep/local-mongodb";
import { requireFeature } from "@threadkeep/local-mongodb/features";
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
import type { Row } from "./harness/row.ts";
import { judge } from "./harness/target.ts";
import type { ResultFile } from "./report/result-file.ts";

const client = new MongoClient(inject("mongodbUri"));

afterAll(() => client.close());

const cases = benchmarks.flatMap(
  ({ name, savers, targets, nodeOptions, variants = [undefined] }) => {
    // What differs in the options of the process does the same work.
    const different = variants.filter((variant) => !nodeOptions?.(variant).length);
    return different.map((variant) => ({
      title: variant === undefined ? name : `${name}, ${variant}`,
      // What others measure is compared with ours.
      ours: savers.filter((saver) => saver === "threadkeep" || saver === "encrypted"),
      order: {
        benchmark: name,
        turns: 1,
        ...(variant !== undefined && { variant }),
      },
      targets: targets.filter(
        ({ goal }) => variant === undefined || goal.startsWith(`${variant}:`),
      ),
    }));
  },
);

it.for(cases)(
  "$title gives a figure for each of its targets",
  { timeout: 90_000 },
  async ({ order, ours, targets }, context) => {
    // How many documents it goes through is one of its figures.
    if (order.benchmark === "store") {
      await requireFeature(context, "plans that name their index");
    }
    const uri = inject("mongodbUri");
    const rows: Row[] = [];
    for (const saver of ours) {
      await using database = temporaryDatabase(client);
      const place = { uri, directUri: uri, name: database.name, clientBulkWrite: true };
      rows.push(await performCase({ case: { ...order, saver }, database: place }, () => {}));
    }
    const missing = judge(targets, rows)
      .filter(({ measured }) => measured === undefined)
      .map(({ goal }) => goal)
      // A single put has no later one.
      .filter((goal) => !goal.includes("later put"));
    expect(missing).toEqual([]);
  },
);

describe("pnpm bench", { timeout: 90_000 }, () => {
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
      "--turns=2",
      "--saver=threadkeep",
      `--json=${json}`,
      `--svg=${svg}`,
    ]);
    expect(stdout).toContain("commands a turn");
    const { runs } = JSON.parse(await readFile(json, "utf8")) as ResultFile;
    expect(runs[0]?.rows[0]).toMatchObject({ case: "long-thread", saver: "threadkeep", turns: 2 });
    expect(await readFile(svg, "utf8")).toMatch(/^<svg/);
    const { databases } = await client.db().admin().listDatabases();
    expect(databases.filter(({ name }) => name.startsWith("threadkeep_bench_"))).toEqual([]);
  });

  it("says in title, JSON and Markdown that the server was like MongoDB 7 and farther away", async () => {
    const json = join(directory, "modes.json");
    const flags = ["--no-client-bulk-write", "--rtt=2"];
    const { stdout } = await bench(["latency", "--turns=2", ...flags, `--json=${json}`]);
    const title = "latency, without client bulkWrite, 2 ms added to a round trip";
    expect(stdout).toContain(title);
    const { runs } = JSON.parse(await readFile(json, "utf8")) as ResultFile;
    expect(runs[0]?.mode).toEqual({ clientBulkWrite: false, rttMs: 2 });
    const errors = runs[0]?.rows.map(({ error }) => error);
    expect(errors).toEqual([undefined, undefined]);
    const report = await bench(["report", json]);
    expect(report.stdout).toContain(`### ${title}`);
  });

  it("names what there is when a name is unknown, with an exit code other than 0", async () => {
    const failure = bench(["long-tread"]);
    await expect(failure).rejects.toThrow(/no benchmark "long-tread".*long-thread/);
    await expect(failure).rejects.toMatchObject({ code: 2 });
  });
});

function bench(args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  return promisify(execFile)(process.execPath, ["--conditions=@threadkeep/source", main, ...args], {
    env: { ...process.env, MONGODB_URI: inject("mongodbUri") },
  });
}
