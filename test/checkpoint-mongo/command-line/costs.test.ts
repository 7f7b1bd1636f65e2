import { MongoDBCostLedger } from "@threadkeep/resilient-llm/mongo";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished, vi } from "vitest";
import { entryOf } from "../../resilient-llm/ledger/ledgers.ts";
import { useDatabase } from "../use-database.ts";
import { runPiped } from "./run-threadkeep.ts";

// Each command is a process of its own.
vi.setConfig({ testTimeout: 90_000 });

const database = useDatabase();
const env = { MONGODB_URI: database.uri, THREADKEEP_DB: database.name };

/** A project that has both packages. */
const project = fileURLToPath(new URL("../..", import.meta.url));

it("prints what the ledger says: lines for programs, JSON, and a chart", async () => {
  const ledger = new MongoDBCostLedger({ client: database.client, dbName: database.name });
  const spender = { threadId: "t1", runId: undefined, userId: "ada" };
  await ledger.book(entryOf({ spender, costUsd: 0.25 }));
  await ledger.book(entryOf({ spender: { ...spender, threadId: "t2" }, costUsd: 0.5 }));
  await ledger.book(entryOf({ costUsd: 4 }));
  const folder = await mkdtemp(join(tmpdir(), "threadkeep-costs-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const chart = join(folder, "costs.svg");

  const [lines, json] = await Promise.all([
    runPiped(["costs", "--by", "thread", "--user", "ada"], env, { cwd: project }),
    runPiped(["costs", "--from", "1h", "--svg", chart, "--json"], env, { cwd: project }),
  ]);
  expect(lines).toEqual({
    exitCode: 0,
    stderr: "",
    stdout: "t2\t1\t1\t100\t40\t20\t0.5\nt1\t1\t1\t100\t40\t20\t0.25\n",
  });
  const today = new Date().toISOString().slice(0, 10);
  expect(JSON.parse(json.stdout)).toMatchObject({
    by: "day",
    sums: [{ key: today, calls: 3, costUsd: 4.75 }],
    total: { calls: 3, inputTokens: 300, costUsd: 4.75 },
  });
  expect(await readFile(chart, "utf8")).toContain(`<title>${today}: 4.75</title>`);
});

it("says what is missing where the project has no ledger", async () => {
  const { exitCode, stderr } = await runPiped(["costs"], env, { cwd: tmpdir() });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("npm install @threadkeep/resilient-llm");
});
