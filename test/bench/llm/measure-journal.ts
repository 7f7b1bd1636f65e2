import { startMongoDB } from "@threadkeep/local-mongodb";
import {
  type CallJournal,
  type KeeperOptions,
  ResilientChatModel,
} from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { KeeperFolder } from "../../faults/journal/keeper-folder.ts";
import { answerTo, type Pace, SteadyProvider } from "../../faults/journal/steady-provider.ts";
import { openAgentModel, PROMPT, startAgent } from "../../resilient-llm/journal/mortal-agent.ts";

/** What one measure came to. */
export interface JournalFigure {
  readonly measure: string;
  readonly without: string;
  readonly withJournal: string;
  readonly difference: string;
  readonly goal: string;
  readonly reached: boolean | undefined;
}

const US_PER_MS = 1_000;
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

interface Comparison {
  readonly without: number;
  readonly withJournal: number;
  readonly ratio: number;
  /** The time of the processor that the second way takes more, driver included. Others do not disturb it. */
  readonly addedCpuMs: number;
}

/** Both ways take turns, so that whatever else the machine does meets both alike. */
async function compare(
  rounds: number,
  ways: readonly [() => Promise<unknown>, () => Promise<unknown>],
  afterEach: (round: number) => Promise<unknown> = () => Promise.resolve(),
): Promise<Comparison> {
  const [without, withJournal]: [number[], number[]] = [[], []];
  const cpu: [number[], number[]] = [[], []];
  const ratios: number[] = [];
  for (const way of ways) await way();
  for (let round = 0; round < rounds; round += 1) {
    const times: [number, number] = [0, 0];
    for (const index of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const before = process.cpuUsage();
      times[index] = await timeMs(ways[index]);
      const { system, user } = process.cpuUsage(before);
      cpu[index].push((system + user) / US_PER_MS);
    }
    without.push(times[0]);
    withJournal.push(times[1]);
    ratios.push(times[1] / times[0]);
    await afterEach(round);
  }
  return {
    without: median(without),
    withJournal: median(withJournal),
    ratio: median(ratios),
    addedCpuMs: median(cpu[1]) - median(cpu[0]),
  };
}

/** The part of an answer, in percent, that is generated again after an agent was killed at 90 % of it. */
async function measurePaidAgain(
  target: { readonly client: MongoClient; readonly uri: string; readonly dbName: string },
  isJournaled: boolean,
  tokens: number,
  keeper?: KeeperOptions,
): Promise<number> {
  await using provider = await SteadyProvider.start({ words: tokens, pauseMs: 1 });
  const { client, ...place } = target;
  const { baseURL } = provider;
  const call = nextCall();
  const setting = { ...place, baseURL, call, isJournaled, ...(keeper ? { keeper } : {}) };
  const child = startAgent(setting);
  await new Promise<void>((resolve) => {
    provider.onMoment = (_, words) => words >= tokens * 0.9 && resolve();
  });
  child.kill("SIGKILL");
  await once(child, "close");
  const before = provider.log.length;
  let text = "";
  const model = openAgentModel(setting, client);
  for await (const chunk of await model.stream(PROMPT, call)) text += chunk.text;
  if (text !== answerTo(PROMPT, tokens)) throw new Error("The answer is not the whole one");
  const again = provider.log.slice(before).reduce((sum, request) => sum + request.words, 0);
  return (100 * again) / tokens;
}

/** A journal that measures how long a call waits for it. */
function stopTimes(journal: CallJournal): CallJournal & {
  readonly openMs: number[];
  readonly answerMs: number[];
} {
  const openMs: number[] = [];
  const answerMs: number[] = [];
  return {
    openMs,
    answerMs,
    open: async (...args) => {
      const startedAtMs = performance.now();
      const opened = await journal.open(...args);
      openMs.push(performance.now() - startedAtMs);
      return opened;
    },
    write: async (key, claim, write) => {
      const startedAtMs = performance.now();
      const isOurs = await journal.write(key, claim, write);
      if (write.kind === "after_call") answerMs.push(performance.now() - startedAtMs);
      return isOurs;
    },
    deleteThread: (threadId) => journal.deleteThread(threadId),
  };
}

/** A part of the time that a call takes with the journal, or what it is to be compared with. */
function describePart(measure: string, ms: number): JournalFigure {
  const withJournal = ms.toFixed(2);
  return { measure, without: "", withJournal, difference: "", goal: "", reached: undefined };
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
  const journal = stopTimes(new MongoDBCallJournal({ client, dbName }));
  await using keepers = await KeeperFolder.create();
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
    journal.openMs.length = 0;
    journal.answerMs.length = 0;
    const pings = client.db(dbName).collection<{ _id: number }>("pings");
    const insertMs: number[] = [];
    // Each insert right after a call, so that both meet the same machine.
    const call = await compare(calls, invokes, async (turn) => {
      insertMs.push(await timeMs(() => pings.insertOne({ _id: turn })));
    });
    const streams = open(long.baseURL).map((model) => () => readToEnd(model)) as typeof invokes;
    const stream = await compare(rounds, streams);
    const addedMs = call.withJournal - call.without;
    const addedPercent = 100 * (stream.ratio - 1);
    const target = { client, uri: server.uri, dbName };
    const paidWithout = await measurePaidAgain(target, false, tokens);
    const paidWith = await measurePaidAgain(target, true, tokens);
    const keeper = { folder: keepers.path };
    const paidKept = await measurePaidAgain(target, true, tokens, keeper);
    return [
      {
        measure: "a call, ms",
        without: call.without.toFixed(2),
        withJournal: call.withJournal.toFixed(2),
        difference: `${addedMs.toFixed(2)} ms`,
        goal: `at most ${GOAL_OVERHEAD_MS} ms`,
        reached: addedMs <= GOAL_OVERHEAD_MS,
      },
      describePart("its time of the processor, ms", call.addedCpuMs),
      describePart("waiting for the claim, ms", median(journal.openMs)),
      describePart("waiting for the answer to be stored, ms", median(journal.answerMs)),
      describePart("two inserts by the driver alone, ms", 2 * median(insertMs)),
      {
        measure: `a stream of ${tokens} tokens, ms`,
        without: stream.without.toFixed(0),
        withJournal: stream.withJournal.toFixed(0),
        difference: `${addedPercent.toFixed(1)} %`,
        goal: `at most ${GOAL_STREAM_PERCENT} %`,
        reached: addedPercent <= GOAL_STREAM_PERCENT,
      },
      {
        measure: "tokens generated again after SIGKILL at 90 %",
        without: `${paidWithout.toFixed(1)} %`,
        withJournal: `${paidWith.toFixed(1)} %`,
        difference: "",
        goal: `at most ${GOAL_PAID_AGAIN_PERCENT} %`,
        reached: paidWith <= GOAL_PAID_AGAIN_PERCENT,
      },
      {
        measure: "the same with the keeper",
        without: "",
        withJournal: `${paidKept.toFixed(1)} %`,
        difference: "",
        goal: "0 %",
        reached: paidKept === 0,
      },
    ];
  } finally {
    await client.db(dbName).dropDatabase();
    await client.close();
    await Promise.all([short.worker.terminate(), long.worker.terminate()]);
  }
}
