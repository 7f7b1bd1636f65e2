/**
 * What ResilientChatModel adds to a call that meets no fault: latency, time to the first token,
 * throughput and processor time, against a bare ChatOpenAI on the same server.
 *
 * The two take turns call by call, burst by burst or round by round, and who begins takes turns too, so that whatever
 * else the machine does meets both alike; a figure is the median of all its samples, the ratio of the
 * rates the median of the ratios of all turns. Many short rounds rather than few long ones, because a
 * disturbance of a second would otherwise decide a round.
 *
 * Throughput is measured twice. With a server that answers at once, 64 calls compete for the one
 * thread of the client, and every microsecond of work shows: that is what the goal is about. With one
 * that takes 50 ms, quick as models go, the figure says what is left of it in use.
 *
 * The percentiles at 1,000 calls a second are those that gateways publish: calls are offered on time,
 * whether or not earlier ones are answered, and the difference is what ResilientChatModel adds.
 */
import { readCount, runProgram } from "./program.ts";
import { describeRun, drawTable, writeIntoMarkdown, writeJson } from "./results.ts";

const usage = `pnpm bench llm-overhead [options]    what ResilientChatModel adds to a call without faults

--calls N     calls whose latency is measured, each way; default 1500
--rounds N    rounds of 250 calls whose throughput is measured, in each of five runs; default 60
--json FILE   writes the results
--into FILE   puts the table into a Markdown file, between <!-- overhead:begin --> and its end

Exits with 1 if a goal is missed.`;

await runProgram(
  usage,
  {
    calls: { type: "string", default: "1500" },
    rounds: { type: "string", default: "60" },
    json: { type: "string" },
    into: { type: "string" },
  },
  async ({ json, into, ...sizes }) => {
    const calls = readCount("--calls", sizes.calls);
    const rounds = readCount("--rounds", sizes.rounds);
    // Not before: what it needs takes seconds to load, and help is to come at once.
    const { measureOverhead } = await import("./measure-overhead.ts");
    const figures = await measureOverhead(calls, rounds);
    const table = {
      head: ["median", "ChatOpenAI", "ResilientChatModel", "difference", "goal", ""],
      rows: figures.map(({ measure, bare, resilient, difference, goal = "", reached }) => {
        const digits = bare >= 100 ? 0 : 2;
        const verdict = reached ? "reached" : "missed";
        const values = [bare.toFixed(digits), resilient.toFixed(digits)];
        return [measure, ...values, difference, goal, goal && verdict];
      }),
    };
    console.log(drawTable(table));
    if (json !== undefined) writeJson(json, { benchmark: "llm-overhead", calls, rounds, figures });
    if (into !== undefined) {
      const note = `\`pnpm bench llm-overhead --calls ${calls} --rounds ${rounds}\` on ${describeRun()}.`;
      writeIntoMarkdown(into, "overhead", table, note);
    }
    return figures.every(({ reached }) => reached !== false) ? 0 : 1;
  },
);
