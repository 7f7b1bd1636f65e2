import { parseArgs } from "node:util";
import { benchmarks, findBenchmark } from "../benchmarks/index.ts";
import type { Benchmark } from "../harness/benchmark.ts";
import { saverNames, type SaverName } from "../harness/savers.ts";

/** What a run of benchmarks was asked for. */
export interface RunRequest {
  readonly benchmarks: readonly Benchmark[];
  readonly turns: number | undefined;
  readonly savers: readonly SaverName[] | undefined;
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

function parseSaver(text: string): SaverName {
  const known = saverNames.find((name) => name === text);
  if (known !== undefined) return known;
  throw new Error(`--saver is "${text}"; it has to be one of ${saverNames.join(", ")}.`);
}
