import { findBenchmark } from "../benchmarks/index.ts";
import type { Bench, Case, StageParameters } from "./benchmark.ts";
import { forkCaseProcess } from "./fork-case-process.ts";
import type { Row } from "./row.ts";
import { needsServer, openSaver, type Database, type OpenSaver } from "./savers.ts";

/** What a case's process is given. */
export interface CaseOrder {
  readonly case: Case;
  /** Undefined for savers that need none. */
  readonly database?: Database;
  /** Runs this stage of the benchmark instead of the whole. */
  readonly stage?: string;
  readonly parameters?: StageParameters;
}

/** Takes how far a case is. */
export type ReportProgress = (done: number, total: number, doing?: string) => void;

/** Runs a case in this process. */
export async function performCase(order: CaseOrder, progress: ReportProgress): Promise<Row> {
  const { benchmark, ...rest } = order.case;
  await using open = await openSaver(order.case.saver, order.database);
  const bench = makeBench(order, open, progress);
  const outcome = await findBenchmark(benchmark).run(bench);
  const { series, ...measurements } = outcome;
  // LangGraph and the libraries are in memory as well; `memoryOverStartBytes` leaves them out.
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1_024;
  return {
    case: benchmark,
    ...rest,
    ...measurements,
    peakMemoryBytes,
    ...(series !== undefined && { series }),
  };
}

/** Runs one stage of a case in this process. */
export async function performStage(
  order: CaseOrder & { readonly stage: string },
  progress: ReportProgress,
): Promise<unknown> {
  const { benchmark, saver } = order.case;
  const stage = findBenchmark(benchmark).stages?.[order.stage];
  if (stage === undefined) throw new Error(`${benchmark} has no stage "${order.stage}".`);
  await using open = await openSaver(saver, order.database);
  return await stage(makeBench(order, open, progress));
}

function makeBench(order: CaseOrder, open: OpenSaver, progress: ReportProgress): Bench {
  const { saver, turns, variant } = order.case;
  return {
    turns,
    variant,
    saverName: saver,
    database: order.database,
    open,
    openAnother: () =>
      needsServer(saver)
        ? openSaver(saver, order.database)
        : // What MemorySaver holds is in that one object.
          Promise.resolve({ ...open, [Symbol.asyncDispose]: () => Promise.resolve() }),
    parameters: order.parameters ?? {},
    runInNewProcess: (stage, parameters = {}) =>
      forkCaseProcess({ ...order, stage, parameters }, { progress: () => {} }),
    progress,
  };
}
