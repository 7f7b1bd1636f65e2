import { parseArgs } from "node:util";
import { benchmarks, findBenchmark } from "../benchmarks/index.ts";
import type { Benchmark } from "../harness/benchmark.ts";
import { saverNames, type SaverName } from "../harness/savers.ts";

/** What a run of benchmarks was asked for. */
export interface RunRequest {
  readonly benchmarks: readonly Benchmark[];
  readonly turns: number | undefined;
  readonly savers: readonly SaverName[] | undefined;
  /** False for a server like MongoDB 7.0. */
  readonly clientBulkWrite: boolean;
  /** Milliseconds added to a round trip. */
  readonly rttMs: number | undefined;
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly profileDirectory: string | undefined;
  /** Whether a target that is not reached makes the run fail. */
  readonly check: boolean;
}

/**
 * Reads the arguments of `pnpm bench NAME…`.
 *
 * @throws Error saying which argument is wrong and what it may be
 */
export function parseRun(args: readonly string[]): RunRequest {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      turns: { type: "string" },
      saver: { type: "string", multiple: true },
      "no-client-bulk-write": { type: "boolean", default: false },
      rtt: { type: "string" },
      json: { type: "string" },
      svg: { type: "string" },
      profile: { type: "string" },
      check: { type: "boolean", default: false },
    },
  });
  if (positionals.length === 0) throw new Error("Which benchmark? pnpm bench lists them.");
  return {
    benchmarks: positionals.includes("all") ? benchmarks : positionals.map(findBenchmark),
    turns: values.turns === undefined ? undefined : parseTurns(values.turns),
    savers: values.saver?.map(parseSaver),
    clientBulkWrite: !values["no-client-bulk-write"],
    rttMs: values.rtt === undefined ? undefined : parseRtt(values.rtt),
    json: values.json,
    svg: values.svg,
    profileDirectory: values.profile,
    check: values.check,
  };
}

function parseTurns(text: string): number {
  const turns = Number(text);
  if (Number.isInteger(turns) && turns > 0) return turns;
  throw new Error(`--turns is "${text}"; it has to be a whole number from 1.`);
}

/** A millisecond in each direction is what timers can do. */
function parseRtt(text: string): number {
  const rttMs = Number(text);
  if (text.trim() !== "" && (rttMs === 0 || (rttMs >= 2 && Number.isFinite(rttMs)))) return rttMs;
  throw new Error(
    `--rtt is "${text}"; it has to be a number of milliseconds from 2, or 0 for none.`,
  );
}

function parseSaver(text: string): SaverName {
  const known = saverNames.find((name) => name === text);
  if (known !== undefined) return known;
  throw new Error(`--saver is "${text}"; it has to be one of ${saverNames.join(", ")}.`);
}
