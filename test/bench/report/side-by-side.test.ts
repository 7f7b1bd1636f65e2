import { describe, expect, it } from "vitest";
import type { Mode } from "../harness/mode.ts";
import type { Row } from "../harness/row.ts";
import type { BenchmarkRun } from "../harness/run-benchmark.ts";
import { plotShortAndLong } from "./plot-short-and-long.ts";
import { tabulateVersus } from "./versus.ts";

const PLAIN: Mode = { clientBulkWrite: true, rttMs: 0 };
const OLD: Mode = { clientBulkWrite: false, rttMs: 0 };

function runOf(
  name: string,
  mode: Mode,
  rows: readonly Omit<Row, "case" | "turns">[],
): BenchmarkRun {
  return {
    name,
    description: "",
    turns: 1,
    turnsAre: "turns",
    mode,
    servers: [],
    rows: rows.map((row) => ({ case: name, turns: 1, ...row })),
    judgements: [],
  };
}

const variant = "64 threads at once";
const short = (mode: Mode, ours: number, official: number): BenchmarkRun =>
  runOf("short-threads", mode, [
    { saver: "threadkeep", variant, turnsPerSecond: ours },
    { saver: "official", variant, turnsPerSecond: official },
  ]);
const long = (mode: Mode, ms: number): BenchmarkRun =>
  runOf("long-thread", mode, [
    {
      saver: "threadkeep",
      turnMsP50Last10: ms,
      series: [
        { turn: 1, turnMs: 4 },
        { turn: 500, turnMs: ms },
      ],
    },
  ]);

describe("short and long threads side by side", () => {
  it("gives each saver and server its own column, and shows what was not measured as a gap", () => {
    const table = tabulateVersus([short(PLAIN, 200, 90), short(OLD, 190, 91), long(PLAIN, 24)]);
    expect(table.rows).toEqual([
      ["64 short threads at once: turns a second", "200 /s", "90 /s", "190 /s", "91 /s", "–"],
      ["its last turns", "24 ms", "–", "–", "–", "–"],
    ]);
    expect(table.head).toHaveLength(6);
  });

  it("never shows a run over a slower line as one beside the server", () => {
    const far: Mode = { clientBulkWrite: true, rttMs: 2 };
    expect(tabulateVersus([short(far, 200, 90), long(far, 24)]).rows).toEqual([]);
    const plot = plotShortAndLong([short(far, 200, 90), long(far, 24)]);
    return expect(plot).rejects.toThrow("needs results of short-threads and of long-thread");
  });

  it("draws the turns a second of every server with the figure on the bar", async () => {
    const runs = [short(PLAIN, 201, 93), short(OLD, 187, 94), long(PLAIN, 24), long(OLD, 25)];
    const svg = await plotShortAndLong(runs);
    for (const text of ["201", "93", "187", "94", "before MongoDB 8"]) {
      expect(svg).toContain(`>${text}<`);
    }
  });
});
