import type { Bench, Benchmark, Outcome } from "../harness/benchmark.ts";
import { readCpuMsOf } from "../harness/cpu-time.ts";
import { percentile } from "../harness/percentile.ts";
import { requireSaver } from "../harness/require-saver.ts";
import { figure } from "../harness/target.ts";
import { offerSteps, type OfferResult } from "../workloads/offer-steps.ts";

const OFFERED_PER_SECOND = 500;
const PROCESSES = 2;
/** Both processes have loaded their code by then. */
const START_AFTER_MS = 3_000;

/** The search for the highest rate: the length of a trial, how close it gets, how long it may take. */
const TRIAL = 1 / 6;
const CLOSE_ENOUGH = 1.1;
const MAX_TRIALS = 4;
/** A quick look tries one more rate. */
const QUICK_SECONDS = 10;

/** A deployment of two processes that is given work whether or not it keeps up. */
export const rate: Benchmark = {
  name: "rate",
  description:
    "500 steps a second offered by 2 processes together, each step when it is due, on 128 threads at once of 40 steps each; a step is putWrites and put of a message of 1,000 characters and counts from when it was due. A rate is sustained if all of it is offered with never more than 2 seconds' worth waiting, and less than half a second's at the end. Then the highest rate sustained is sought with trials of a sixth of the time",
  turns: 60,
  turnsAre: "seconds",
  savers: ["threadkeep", "official"],
  targets: [
    {
      goal: "500 steps a second sustained",
      unit: "per second",
      direction: "at least",
      statedForTurns: 60,
      compare: (rows) => ({
        measured: figure(rows, "threadkeep", "stepsPerSecondSustained"),
        limit: OFFERED_PER_SECOND,
      }),
    },
  ],
  async run(bench) {
    const main = await attempt(bench, OFFERED_PER_SECOND, bench.turns);
    const sustained = await findHighest(bench, main);
    return {
      ...main.figures,
      stepsPerSecondSustained: sustained?.stepsPerSecond ?? 0,
      ...(sustained && { sustainedStepMsP99: sustained.figures.stepMsP99 }),
    };
  },
  stages: { offer },
};

interface Trial {
  readonly stepsPerSecond: number;
  readonly isSustained: boolean;
  readonly figures: Outcome & { readonly stepsPerSecond: number; readonly stepMsP99: number };
}

/** Between the highest rate that was sustained and the lowest that was not, until they are close. */
async function findHighest(bench: Bench, main: Trial): Promise<Trial | undefined> {
  let highest = main.isSustained ? main : undefined;
  let tooHigh = main.isSustained ? undefined : main;
  const trials = bench.turns < QUICK_SECONDS ? 1 : MAX_TRIALS;
  for (let trial = 0; trial < trials; trial += 1) {
    if (highest && tooHigh && tooHigh.stepsPerSecond < highest.stepsPerSecond * CLOSE_ENOUGH) break;
    const next = await attempt(bench, chooseRate(highest, tooHigh), bench.turns * TRIAL);
    if (next.isSustained) highest = next;
    else tooHigh = next;
  }
  return highest;
}

function chooseRate(highest: Trial | undefined, tooHigh: Trial | undefined): number {
  if (tooHigh === undefined) return (highest?.stepsPerSecond ?? OFFERED_PER_SECOND) * 1.5;
  // What was carried out of too much is a good guess.
  if (highest === undefined) {
    return Math.min(tooHigh.figures.stepsPerSecond * 0.95, tooHigh.stepsPerSecond * 0.75);
  }
  return Math.sqrt(highest.stepsPerSecond * tooHigh.stepsPerSecond);
}

let attempts = 0;

async function attempt(bench: Bench, stepsPerSecond: number, wanted: number): Promise<Trial> {
  const seconds = Math.max(1, wanted);
  attempts += 1;
  bench.progress(0, 1, `${Math.round(stepsPerSecond)} steps a second for ${seconds.toFixed(0)} s`);
  const parameters = {
    stepsPerSecond: stepsPerSecond / PROCESSES,
    seconds,
    startAt: Date.now() + START_AFTER_MS,
    attempt: attempts,
  };
  const serverPid = bench.database?.serverPid;
  const serverBefore = readCpuMsOf(serverPid);
  const results = await Promise.all(
    Array.from({ length: PROCESSES }, (_, index) =>
      bench.runInNewProcess<OfferResult>("offer", { ...parameters, process: index }),
    ),
  );
  const serverAfter = readCpuMsOf(serverPid);
  const steps = sum(results.map((result) => result.steps));
  const stepMs = results.flatMap((result) => result.stepMs);
  return {
    stepsPerSecond,
    isSustained: results.every((result) => result.isSustained),
    figures: {
      stepsPerSecondOffered: stepsPerSecond,
      stepsPerSecond: sum(results.map((result) => (result.steps * 1_000) / result.elapsedMs)),
      stepMsP50: percentile(stepMs, 0.5),
      stepMsP99: percentile(stepMs, 0.99),
      stepsWaitingMax: sum(results.map((result) => result.waitingMax)),
      clientCpuMsPerStep: sum(results.map((result) => result.cpuMs)) / steps,
      ...(serverBefore !== undefined &&
        serverAfter !== undefined && { serverCpuMsPerStep: (serverAfter - serverBefore) / steps }),
    },
  };
}

async function offer(bench: Bench): Promise<OfferResult> {
  const { stepsPerSecond, seconds, startAt, attempt: number, process: index } = bench.parameters;
  if (stepsPerSecond === undefined || seconds === undefined || startAt === undefined) {
    throw new Error("A process that offers steps has to know how many, for how long and when.");
  }
  const prefix = `trial-${number}-${index}`;
  return await offerSteps(requireSaver(bench), { stepsPerSecond, seconds, startAt, prefix });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
