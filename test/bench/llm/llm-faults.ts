/**
 * Calls of a model whose provider fails in every way providers do, by the usual means of LangChain.js, by
 * two gateways and by ResilientChatModel, side by side against the same faults.
 */
import { CONCURRENCY, FAULT_SHARE, OUTAGE } from "./faults/scenario.ts";
import { readChoice, readCount, runProgram } from "./program.ts";
import { describeRun, drawTable, writeIntoMarkdown, writeJson } from "./results.ts";

/** Each fault costs one request more; whoever sends more than this asks in vain. */
const MOST_REQUESTS_PER_CALL = 1.3;

/** What the faults look like, and the mark of the table in a Markdown file. */
const MARKS = { network: "faults", providers: "provider-faults" } as const;
const REQUIRED = "resilient";

const usage = `pnpm bench llm-faults [options]    calls of a provider that fails in every way, six ways to live with it

--shapes NAME   network (default): the faults of any server and network, by how common they are;
                providers: what providers send, each row of test/resilient-llm/providers alike
--calls N       calls, ${CONCURRENCY} at a time; default 1000
--seed N        another sequence of faults; default 1
--without ID    leaves out a contender, may be given again: chat-openai, with-retry, create-agent,
                litellm, portkey
--json FILE     writes the results
--into FILE     puts the table into a Markdown file, between <!-- ${MARKS.network}:begin --> or
                <!-- ${MARKS.providers}:begin --> and its end

${FAULT_SHARE * 100} % of the attempts fail, and the first of two models is down from second ${OUTAGE.fromMs / 1000} to ${(OUTAGE.fromMs + OUTAGE.lengthMs) / 1000}.
The gateways are measured after the others, one by one. Takes about six minutes, two without them. They are
installed on first use, into node_modules/.cache: LiteLLM from PyPI, which needs Python 3 and takes minutes,
and Portkey's from npm.
Exits with 1 unless ResilientChatModel gets every answer right with at most ${MOST_REQUESTS_PER_CALL} requests per call.`;

await runProgram(
  usage,
  {
    shapes: { type: "string", default: "network" },
    calls: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    without: { type: "string", multiple: true, default: [] },
    json: { type: "string" },
    into: { type: "string" },
  },
  async ({ into, json, without, ...given }) => {
    const calls = readCount("--calls", given.calls);
    const seed = readCount("--seed", given.seed);
    const shapes = readChoice("--shapes", given.shapes, ["network", "providers"]);
    // Not before: what it needs takes seconds to load, and help is to come at once.
    const { ENTRANTS } = await import("./contenders/entrants.ts");
    const ids = ENTRANTS.map(({ id }) => id).filter((id) => id !== REQUIRED);
    for (const id of without) readChoice("--without", id, ids);
    const { measureContenders } = await import("./measure-faults.ts");
    const pickFault =
      shapes === "network"
        ? (await import("./faults/network-faults.ts")).pickNetworkFault
        : (await import("./faults/provider-faults.ts")).pickProviderFault;
    const { absent, results } = await measureContenders({ calls, seed, pickFault }, without);
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
    for (const { contender, reason } of absent) console.log(`Without ${contender}: ${reason}`);
    const run = { shapes, calls, seed, results, absent };
    if (json !== undefined) writeJson(json, { benchmark: "llm-faults", ...run });
    if (into !== undefined) {
      const flags = [
        ...(shapes === "network" ? [] : [`--shapes ${shapes}`]),
        `--calls ${calls} --seed ${seed}`,
        ...without.map((id) => `--without ${id}`),
      ];
      const note = `\`pnpm bench llm-faults ${flags.join(" ")}\` on ${describeRun()}.`;
      writeIntoMarkdown(into, MARKS[shapes], table, note);
    }
    const ours = results.at(-1);
    const isReached = ours?.right === calls && ours.requestsPerCall <= MOST_REQUESTS_PER_CALL;
    const goal = `every answer right, at most ${MOST_REQUESTS_PER_CALL} requests per call`;
    console.log(`${isReached ? "Goal reached" : "Goal missed"}: ${goal}.`);
    return isReached ? 0 : 1;
  },
);
