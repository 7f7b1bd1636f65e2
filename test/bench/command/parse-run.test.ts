import { describe, expect, it } from "vitest";
import { benchmarks } from "../benchmarks/index.ts";
import { parseRun } from "./parse-run.ts";

describe("the arguments of pnpm bench", () => {
  it("run everything with all, on a server as it is", () => {
    expect(parseRun(["all"])).toMatchObject({
      benchmarks,
      clientBulkWrite: true,
      rttMs: undefined,
      check: false,
    });
  });

  it("say how the server is reached", () => {
    const run = parseRun(["latency", "--no-client-bulk-write", "--rtt", "2.5"]);
    expect(run).toMatchObject({ clientBulkWrite: false, rttMs: 2.5 });
  });

  it("can take away what a benchmark adds to a round trip by itself", () => {
    expect(parseRun(["latency", "--rtt", "0"]).rttMs).toBe(0);
  });

  it.each(["1", "-2", "two", "", "Infinity"])("refuse --rtt=%s, saying what it takes", (rtt) => {
    expect(() => parseRun(["latency", `--rtt=${rtt}`])).toThrow(
      `--rtt is "${rtt}"; it has to be a number of milliseconds from 2, or 0 for none.`,
    );
  });
});
