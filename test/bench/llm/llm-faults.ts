/**
 * Calls of a model whose provider fails in every way providers do, by the usual means of LangChain.js
 * and by ResilientChatModel, side by side against the same faults.
 */
import { concurrency, outage } from "./fault-scenario.ts";
import { readCount, runProgram } from "./program.ts";
import { describeRun, drawTable, writeIntoMarkdown, writeJson } from "./results.ts";

/** Each fault costs one request more; whoever sends more than this asks in vain. */
const mostRequestsPerCall = 1.4;

const usage = `pnpm bench llm-faults [options]    calls of a provider that fails in every way, four ways to live with it

--calls N     calls, ${concurrency} at a time; default 1000
--seed N      another sequence of faults; default 1
--json FILE   writes the results
--into FILE   puts the table into a Markdown file, between <!-- faults:begin --> and its end

The first of two models is down from second ${outage.fromMs / 1000} to ${(outage.fromMs + outage.lengthMs) / 1000}. Takes two to three minutes.
Exits with 1 unless ResilientChatModel gets every answer right with at most ${mostRequestsPerCall} requests per call.`;

await runProgram(
  usage,
  {
    calls: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
    into: { type: "string" },
  },
  async ({ json, into, ...sizes }) => {
    const calls = readCount("--calls", sizes.calls);
    const seed = readCount("--seed", sizes.seed);
    // Not before: what it needs takes seconds to load, and help is to come at once.
    const { measureContenders } = await import("./measure-faults.ts");
    const results = await measureContenders(calls, seed);
    const table = {
      head: [
        "",
        "right",
        "wrong",
        "failed",
        "hung",
        "requests per call",
        "p50 ms",
        "p99 ms",
        "USD",
      ],
      rows: results.map((result) => [
        result.contender,
        ...[result.right, result.wrong, result.failed, result.hung].map(String),
        result.requestsPerCall.toFixed(2),
        result.p50Ms.toFixed(0),
        result.p99Ms.toFixed(0),
        result.costUsd.toFixed(3),
      ]),
    };
    console.log(drawTable(table));
    if (json !== undefined) writeJson(json, { benchmark: "llm-faults", calls, seed, results });
    if (into !== undefined) {
      const note = `\`pnpm bench llm-faults --calls ${calls} --seed ${seed}\` on ${describeRun()}.`;
      writeIntoMarkdown(into, "faults", table, note);
    }
    const ours = results.at(-1);
    const reached = ours?.right === calls && ours.requestsPerCall <= mostRequestsPerCall;
    const goal = `every answer right, at most ${mostRequestsPerCall} requests per call`;
    console.log(`${reached ? "Goal reached" : "Goal missed"}: ${goal}.`);
    return reached ? 0 : 1;
  },
);
