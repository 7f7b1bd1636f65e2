/**
 * What ResilientChatModel adds to a call that meets no fault: latency, throughput, time to first token,
 * against a bare ChatOpenAI on the same server.
 *
 * node --conditions=@threadkeep/source test/bench/llm-overhead.ts [--calls N] [--json FILE]
 */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import Table from "cli-table3";
import { createOverheadPair } from "../../packages/resilient-llm/src/testing/contenders.ts";

const { values: flags } = parseArgs({
  options: { calls: { type: "string", default: "1500" }, json: { type: "string" } },
});
const calls = Number(flags.calls);
const inFlight = 64;
const rounds = 6;

type Model = ReturnType<typeof createOverheadPair>["bare" | "resilient"];

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function timeInvoke(model: Model): Promise<number> {
  const startedAt = performance.now();
  await model.invoke("hi");
  return performance.now() - startedAt;
}

async function timeFirstToken(model: Model): Promise<number> {
  const startedAt = performance.now();
  let firstAt = Number.NaN;
  for await (const chunk of await model.stream("hi")) {
    if (Number.isNaN(firstAt) && chunk.text !== "") firstAt = performance.now() - startedAt;
  }
  return firstAt;
}

async function measureThroughput(model: Model): Promise<number> {
  let left = calls;
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left > 0) {
        left -= 1;
        await model.invoke("hi");
      }
    }),
  );
  return (calls / (performance.now() - startedAt)) * 1000;
}

/** One after the other, turn by turn, so that whatever else the machine does meets both alike. */
async function compare(time: (model: Model) => Promise<number>, times: number) {
  const samples = { bare: [] as number[], resilient: [] as number[] };
  for (let round = 0; round < times; round += 1) {
    samples.bare.push(await time(models.bare));
    samples.resilient.push(await time(models.resilient));
  }
  return { bare: median(samples.bare), resilient: median(samples.resilient) };
}

const worker = new Worker(new URL("llm-echo-server.ts", import.meta.url));
const [baseURL] = (await once(worker, "message")) as [string];
const models = createOverheadPair(baseURL);
await compare(timeInvoke, 200);
await compare(timeFirstToken, 200);

const latency = await compare(timeInvoke, calls);
const firstToken = await compare(timeFirstToken, calls);
const throughput = await compare(measureThroughput, rounds);
await worker.terminate();

const rows = [
  {
    measure: "invoke, ms (p50)",
    ...latency,
    difference: latency.resilient - latency.bare,
    goal: "<= 0.5",
    reached: latency.resilient - latency.bare <= 0.5,
  },
  {
    measure: "first token, ms (p50)",
    ...firstToken,
    difference: firstToken.resilient - firstToken.bare,
    goal: "<= 1",
    reached: firstToken.resilient - firstToken.bare <= 1,
  },
  {
    measure: `calls per s, ${inFlight} in flight (p50)`,
    ...throughput,
    difference: throughput.resilient / throughput.bare,
    goal: ">= 0.95 of bare",
    reached: throughput.resilient / throughput.bare >= 0.95,
  },
];
const table = new Table({
  head: ["", "ChatOpenAI", "ResilientChatModel", "difference", "goal", ""],
  style: { head: [], border: [] },
});
for (const row of rows) {
  table.push([
    row.measure,
    row.bare.toFixed(2),
    row.resilient.toFixed(2),
    row.difference.toFixed(3),
    row.goal,
    row.reached ? "reached" : "missed",
  ]);
}
console.log(table.toString());
if (flags.json !== undefined) {
  const results = rows.map((row) => ({ case: "llm-overhead", calls, ...row }));
  await writeFile(flags.json, `${JSON.stringify(results, null, 2)}\n`);
}
process.exitCode = rows.every((row) => row.reached) ? 0 : 1;
