import { startMongoDB } from "@threadkeep/local-mongodb";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { answerTo, type Pace, SteadyProvider } from "../../faults/journal/steady-provider.ts";
import { makeMortal } from "../../resilient-llm/journal/journal-wrappers.ts";

/** What one measure came to. */
export interface JournalFigure {
  readonly measure: string;
  readonly without: string;
  readonly withJournal: string;
  readonly difference: string;
  readonly goal: string;
  readonly reached: boolean | undefined;
}

const GOAL_OVERHEAD_MS = 1.5;
const GOAL_STREAM_PERCENT = 5;
const GOAL_PAID_AGAIN_PERCENT = 12;

/** How much is measured. */
export interface JournalSizes {
  /** Calls, each way. */
  readonly calls: number;
  /** Streams, each way. */
  readonly rounds: number;
  /** The length of a stream. */
  readonly tokens: number;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function timeMs(action: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  await action();
  return performance.now() - startedAtMs;
}

async function startWorker(pace: Pace): Promise<{ baseURL: string; worker: Worker }> {
  const worker = new Worker(new URL("steady-worker.ts", import.meta.url), { workerData: pace });
  const [baseURL] = (await once(worker, "message")) as [string];
  return { baseURL, worker };
}

let tasks = 0;
function nextCall(): object {
  tasks += 1;
  return { configurable: { thread_id: "bench" }, journal: { task: String(tasks) } };
}

async function readToEnd(model: ResilientChatModel): Promise<void> {
  for await (const chunk of await model.stream("bench", nextCall())) void chunk;
}

/** Both ways take turns, so that whatever else the machine does meets both alike. */
async function compare(
  rounds: number,
  ways: readonly [() => Promise<unknown>, () => Promise<unknown>],
): Promise<{ readonly without: number; readonly withJournal: number; readonly ratio: number }> {
  const [without, withJournal]: [number[], number[]] = [[], []];
  const ratios: number[] = [];
  for (const way of ways) await way();
  for (let round = 0; round < rounds; round += 1) {
    const times: [number, number] = [0, 0];
    for (const index of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      times[index] = await timeMs(ways[index]);
    }
    without.push(times[0]);
    withJournal.push(times[1]);
    ratios.push(times[1] / times[0]);
  }
  return {
    without: median(without),
    withJournal: median(withJournal),
    ratio: median(ratios),
  };
}

/** The part of an answer, in percent, that is generated again after a death at 90 % of it. */
async function measurePaidAgain(
  journal: MongoDBCallJournal,
  isJournaled: boolean,
  tokens: number,
): Promise<number> {
  await using provider = await SteadyProvider.start({ words: tokens, pauseMs: 1 });
  const store = makeMortal(journal);
  const open = (used: MongoDBCallJournal | typeof store) =>
    new ResilientChatModel({
      models: ["steady"],
      baseURL: provider.baseURL,
      apiKey: "none",
      ...(isJournaled ? { journal: { store: used, leaseMs: 500, timeoutMs: 500 } } : {}),
    });
  const call = nextCall();
  const stream = await open(store).stream("bench", call);
  let words = 0;
  for await (const chunk of stream) {
    words += chunk.text === "" ? 0 : 1;
    if (words < tokens * 0.9) continue;
    store.die();
    break;
  }
  const before = provider.log.length;
  let text = "";
  for await (const chunk of await open(journal).stream("bench", call)) text += chunk.text;
  if (text !== answerTo("bench", tokens)) throw new Error("The answer is not the whole one");
  const again = provider.log.slice(before).reduce((sum, request) => sum + request.words, 0);
  return (100 * again) / tokens;
}

/** Measures calls and streams with and without a journal on MongoDB. */
export async function measureJournal({
  calls,
  rounds,
  tokens,
}: JournalSizes): Promise<JournalFigure[]> {
  await using server = await startMongoDB();
  const client = new MongoClient(server.uri);
  const dbName = "threadkeep_bench_journal";
  const journal = new MongoDBCallJournal({ client, dbName });
  const short = await startWorker({ words: 10, pauseMs: 0 });
  const long = await startWorker({ words: tokens, pauseMs: 1 });
  try {
    const open = (baseURL: string) => {
      const options = { models: ["steady"], baseURL, apiKey: "none" };
      return [
        new ResilientChatModel(options),
        new ResilientChatModel({ ...options, journal }),
      ] as const;
    };
    const invokes = open(short.baseURL).map((model) => () => model.invoke("bench", nextCall())) as [
      () => Promise<unknown>,
      () => Promise<unknown>,
    ];
    // Until the models know that these answers are brisk, they ask for them as streams.
    for (let turn = 0; turn < Math.min(calls, 50); turn += 1)
      for (const invoke of invokes) await invoke();
    const call = await compare(calls, invokes);
    const pings = client.db(dbName).collection<{ _id: number }>("pings");
    const commandMs: number[] = [];
    for (let turn = 0; turn < calls; turn += 1) {
      commandMs.push(await timeMs(() => pings.insertOne({ _id: turn })));
    }
    const streams = open(long.baseURL).map((model) => () => readToEnd(model)) as typeof invokes;
    const stream = await compare(rounds, streams);
    const addedMs = call.withJournal - call.without;
    const addedPercent = 100 * (stream.ratio - 1);
    const paidWithout = await measurePaidAgain(journal, false, tokens);
    const paidWith = await measurePaidAgain(journal, true, tokens);
    return [
      {
        measure: "a call, ms",
        without: call.without.toFixed(2),
        withJournal: call.withJournal.toFixed(2),
        difference: `${addedMs.toFixed(2)} ms`,
        goal: `at most ${GOAL_OVERHEAD_MS} ms`,
        reached: addedMs <= GOAL_OVERHEAD_MS,
      },
      {
        measure: "of that, two inserts by the driver alone, ms",
        without: "",
        withJournal: (2 * median(commandMs)).toFixed(2),
        difference: "",
        goal: "",
        reached: undefined,
      },
      {
        measure: `a stream of ${tokens} tokens, ms`,
        without: stream.without.toFixed(0),
        withJournal: stream.withJournal.toFixed(0),
        difference: `${addedPercent.toFixed(1)} %`,
        goal: `at most ${GOAL_STREAM_PERCENT} %`,
        reached: addedPercent <= GOAL_STREAM_PERCENT,
      },
      {
        measure: "tokens generated again after a death at 90 %",
        without: `${paidWithout.toFixed(1)} %`,
        withJournal: `${paidWith.toFixed(1)} %`,
        difference: "",
        goal: `at most ${GOAL_PAID_AGAIN_PERCENT} %`,
        reached: paidWith <= GOAL_PAID_AGAIN_PERCENT,
      },
    ];
  } finally {
    await client.db(dbName).dropDatabase();
    await client.close();
    await Promise.all([short.worker.terminate(), long.worker.terminate()]);
  }
}
