import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { createOverheadPair } from "./overhead-pair.ts";
import { setTimeout as delay } from "node:timers/promises";
import { median, percentile } from "../harness/percentile.ts";

const inFlight = 64;
const callsPerRound = 250;
const answerMs = 50;
const offeredPerSecond = 1000;
const burstMs = 500;

type Pair = ReturnType<typeof createOverheadPair>;
type Model = Pair["bare" | "resilient"];

/** Medians of both, in the unit of what was measured. */
interface Comparison {
  readonly bare: number;
  readonly resilient: number;
  /** Median of resilient / bare, turn by turn: the two of a turn met the same mood of the machine. */
  readonly share: number;
}

async function timeInvoke(model: Model): Promise<number> {
  const startedAt = performance.now();
  await model.invoke("hi");
  return performance.now() - startedAt;
}

async function timeFirstToken(model: Model): Promise<number> {
  const startedAt = performance.now();
  let firstAt = Number.NaN;
  for await (const chunk of await model.stream("hi")) {
    if (Number.isNaN(firstAt) && chunk.text !== "") firstAt = performance.now() - startedAt;
  }
  return firstAt;
}

/** Calls per second and milliseconds of this thread's processor time per call. */
async function measureRound(model: Model): Promise<{ perSecond: number; cpuMs: number }> {
  let left = callsPerRound;
  const startedAt = performance.now();
  const usedBefore = process.threadCpuUsage();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left > 0) {
        left -= 1;
        await model.invoke("hi");
      }
    }),
  );
  const { user, system } = process.threadCpuUsage(usedBefore);
  const seconds = (performance.now() - startedAt) / 1000;
  return { perSecond: callsPerRound / seconds, cpuMs: (user + system) / 1000 / callsPerRound };
}

/**
 * The time of each call, in ms, while 1,000 calls a second are offered for half a second. A call begins
 * when it is due, however many are under way; one that could not begin in time has waited, and that
 * counts too.
 */
async function measureBurst(model: Model): Promise<number[]> {
  const calls: Promise<number>[] = [];
  const count = (offeredPerSecond * burstMs) / 1000;
  const startedAt = performance.now();
  const call = async (dueAt: number): Promise<number> => {
    await model.invoke("hi");
    return performance.now() - dueAt;
  };
  while (calls.length < count) {
    const dueAt = startedAt + (calls.length * 1000) / offeredPerSecond;
    const now = performance.now();
    if (now >= dueAt) calls.push(call(dueAt));
    else await delay(dueAt - now);
  }
  return await Promise.all(calls);
}

async function takeTurns<Sample>(
  pair: Pair,
  times: number,
  measure: (model: Model) => Promise<Sample>,
): Promise<{ readonly bare: Sample[]; readonly resilient: Sample[] }> {
  const samples = { bare: [] as Sample[], resilient: [] as Sample[] };
  for (let turn = 0; turn < times; turn += 1) {
    const order =
      turn % 2 === 0 ? (["bare", "resilient"] as const) : (["resilient", "bare"] as const);
    for (const name of order) samples[name].push(await measure(pair[name]));
  }
  return samples;
}

function compare<Sample>(
  { bare, resilient }: { readonly bare: Sample[]; readonly resilient: Sample[] },
  read: (sample: Sample) => number,
): Comparison {
  const values = { bare: bare.map(read), resilient: resilient.map(read) };
  const shares = values.resilient.map((value, turn) => value / (values.bare[turn] ?? Number.NaN));
  return {
    bare: median(values.bare),
    resilient: median(values.resilient),
    share: median(shares),
  };
}

/** One line of the result. */
export interface Figure extends Comparison {
  readonly measure: string;
  /** How the two differ, for people. */
  readonly difference: string;
  /** What the difference has to be, where there is a goal. */
  readonly goal?: string;
  readonly reached?: boolean;
}

function compareTimes(measure: string, times: Comparison, mostMs?: number): Figure {
  const addedMs = times.resilient - times.bare;
  const difference = `${addedMs < 0 ? "−" : "+"} ${Math.abs(addedMs).toFixed(2)}`;
  const goal = mostMs === undefined ? {} : { goal: `≤ ${mostMs}`, reached: addedMs <= mostMs };
  return { measure, ...times, difference, ...goal };
}

function compareRates(measure: string, rates: Comparison, leastShare?: number): Figure {
  const { share } = rates;
  const goal =
    leastShare === undefined ? {} : { goal: `≥ ${leastShare}`, reached: share >= leastShare };
  return { measure, ...rates, difference: `× ${share.toFixed(2)}`, ...goal };
}

/** How often throughput is measured; the worst one counts. */
const RUNS = 5;

function worstOf(runs: readonly Comparison[]): Comparison {
  return runs.reduce((worst, run) => (run.share < worst.share ? run : worst));
}

/**
 * Measures everything.
 *
 * @param calls Calls whose latency is measured, of each model and in each way.
 * @param rounds Rounds whose throughput is measured, of each model, in each of five runs.
 */
export async function measureOverhead(calls: number, rounds: number): Promise<Figure[]> {
  const worker = new Worker(new URL("echo-server.ts", import.meta.url));
  const [address] = (await once(worker, "message")) as [string];
  const pair = createOverheadPair(`${address}/v1`);
  const slowPair = createOverheadPair(`${address}/${answerMs}/v1`);
  await takeTurns(pair, 200, timeInvoke);
  await takeTurns(pair, 200, timeFirstToken);
  await takeTurns(pair, 4, measureRound);

  const invoke = compare(await takeTurns(pair, calls, timeInvoke), Number);
  const firstToken = compare(await takeTurns(pair, calls, timeFirstToken), Number);
  const bursts = await takeTurns(pair, Math.ceil(rounds / 3), measureBurst);
  const atOnce = [];
  for (let run = 0; run < RUNS; run += 1) {
    atOnce.push(await takeTurns(pair, rounds, measureRound));
  }
  const later = await takeTurns(slowPair, Math.ceil(rounds / 4), measureRound);
  await worker.terminate();

  const perSecond = ({ perSecond: rate }: { perSecond: number }) => rate;
  const throughput = `calls per s, ${inFlight} in flight`;
  const offered = `at ${offeredPerSecond} calls per s`;
  const runs = atOnce.map((run) => compare(run, perSecond));
  return [
    compareTimes("invoke, ms", invoke, 0.5),
    compareTimes("first token, ms", firstToken, 1),
    compareTimes(`p50 ${offered}, ms`, compare(bursts, median), 0.2),
    compareTimes(
      `p99 ${offered}, ms`,
      compare(bursts, (times) => percentile(times, 0.99)),
      0.9,
    ),
    compareRates(`${throughput}, answered at once, worst of ${RUNS} runs`, worstOf(runs), 0.95),
    compareRates(`${throughput}, after ${answerMs} ms`, compare(later, perSecond)),
    compareTimes(
      "processor time per call, ms",
      compare(
        {
          bare: atOnce.flatMap(({ bare }) => bare),
          resilient: atOnce.flatMap(({ resilient }) => resilient),
        },
        ({ cpuMs }) => cpuMs,
      ),
    ),
  ];
}
