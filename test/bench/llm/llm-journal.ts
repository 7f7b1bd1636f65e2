/**
 * What the call journal on MongoDB adds to calls and streams, and how much of an answer is paid for again after a
 * death at 90 % of it. The ways with and without take turns, and a figure is the median of all its samples.
 */
import { readCount, runProgram } from "./program.ts";
import { describeRun, drawTable, writeIntoMarkdown, writeJson } from "./results.ts";

const usage = `pnpm bench llm-journal [options]    what the call journal adds to calls, and what it saves

--calls N     calls whose latency is measured, each way; default 1000
--rounds N    streams, each way; default 7
--tokens N    the length of a stream; default 2000
--json FILE   writes the results
--into FILE   puts the table into a Markdown file, between <!-- journal:begin --> and its end

Exits with 1 if a goal is missed.`;

await runProgram(
  usage,
  {
    calls: { type: "string", default: "1000" },
    rounds: { type: "string", default: "7" },
    tokens: { type: "string", default: "2000" },
    json: { type: "string" },
    into: { type: "string" },
  },
  async ({ json, into, ...sizes }) => {
    const calls = readCount("--calls", sizes.calls);
    const rounds = readCount("--rounds", sizes.rounds);
    const tokens = readCount("--tokens", sizes.tokens);
    // Not before: what it needs takes seconds to load, and help is to come at once.
    const { measureJournal } = await import("./measure-journal.ts");
    const figures = await measureJournal({ calls, rounds, tokens });
    const table = {
      head: ["ResilientChatModel", "without", "with the journal", "difference", "goal", ""],
      rows: figures.map(({ difference, goal, measure, reached, withJournal, without }) => [
        measure,
        without,
        withJournal,
        difference,
        goal,
        goal && (reached === false ? "missed" : "reached"),
      ]),
    };
    console.log(drawTable(table));
    if (json !== undefined) writeJson(json, { benchmark: "llm-journal", calls, rounds, figures });
    if (into !== undefined) {
      const note = `\`pnpm bench llm-journal --calls ${calls} --rounds ${rounds}\` on ${describeRun()}.`;
      writeIntoMarkdown(into, "journal", table, note);
    }
    return figures.every(({ reached }) => reached !== false) ? 0 : 1;
  },
);
