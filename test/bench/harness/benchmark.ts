import type { Measurements } from "./measurements.ts";
import type { Database, OpenSaver, SaverName } from "./savers.ts";
import type { Target } from "./target.ts";

/** One benchmark: what is done with each saver, and what has to come out. */
export interface Benchmark {
  readonly name: string;
  /** What is done, in a sentence. */
  readonly description: string;
  /** The size for which the targets are stated, and the default of `--turns`. */
  readonly turns: number;
  /** What `--turns` counts here. */
  readonly turnsAre: string;
  readonly savers: readonly SaverName[];
  /** Those of a variant, if not all of `savers`. */
  readonly saversOf?: (variant: string | undefined) => readonly SaverName[];
  /** Milliseconds added to a round trip where `--rtt` does not say how many. Default: 0. */
  readonly rttMs?: number;
  /** Forms of the work, each a case of its own for each saver. Default: just one. */
  readonly variants?: readonly string[];
  /** Options of Node.js for the process of a variant. Default: none. */
  readonly nodeOptions?: (variant: string | undefined) => readonly string[];
  readonly targets: readonly Target[];
  /** Does the work in the process of the case. */
  run(bench: Bench): Promise<Outcome>;
  /** Parts of the work that need a process of their own, by name; {@link Bench.runInNewProcess}. */
  readonly stages?: Readonly<Record<string, (bench: Bench) => Promise<unknown>>>;
}

/** One case: a benchmark, a saver and a size. */
export interface Case {
  readonly benchmark: string;
  readonly variant?: string;
  readonly saver: SaverName;
  readonly turns: number;
}

/** What a stage is told, by name. */
export type StageParameters = Readonly<Record<string, number>>;

/** What a benchmark works with. */
export interface Bench {
  readonly turns: number;
  readonly variant: string | undefined;
  /** What the case is about. */
  readonly saverName: SaverName;
  /** Where it stores; undefined for savers that need no server. */
  readonly database: Database | undefined;
  /** The saver of the case, set up, on its own database. */
  readonly open: OpenSaver;
  /** Another saver on the same database that has nothing in memory yet. */
  openAnother(): Promise<OpenSaver>;
  /** What the one who runs a stage told it, see {@link Bench.runInNewProcess}. */
  readonly parameters: StageParameters;
  /** Runs a stage of the benchmark in a new process, on the same database, and returns its result. */
  runInNewProcess<Result>(stage: string, parameters?: StageParameters): Promise<Result>;
  /** Tells how far the work is. */
  readonly progress: (done: number, total: number, doing?: string) => void;
}

/** What came out of a case. */
export interface Outcome extends Measurements {
  /** How it went over the turns, for the plot. */
  readonly series?: readonly SeriesPoint[];
}

export interface SeriesPoint {
  /** Turns done. */
  readonly turn: number;
  /** Bytes stored after it. */
  readonly bytesStored?: number;
  /** Median time of the turns since the last point. */
  readonly turnMs: number;
}
