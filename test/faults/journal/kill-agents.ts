import { type JournalKey, settleToolCall } from "@threadkeep/resilient-llm";
import { MongoDBCallJournal } from "@threadkeep/resilient-llm/mongo";
import { MongoClient } from "mongodb";
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random } from "../../checkpoint-mongo/differential/random.ts";
import { ActServer } from "./act-server.ts";
import { KeeperFolder } from "./keeper-folder.ts";
import { ACTED, type AgentMessage, type AgentOrder, nameCall, STEPS } from "./agent-order.ts";
import { answerTo, SteadyProvider } from "./steady-provider.ts";

/** What came of agents that were killed again and again. */
export interface JournalResult {
  readonly kills: Readonly<Record<KillPoint, number>>;
  readonly threads: number;
  /** Requests that asked for the rest of an answer. */
  readonly continued: number;
  /** Tools that were killed, of which a human had to say whether they have acted. */
  readonly settled: number;
  /** Calls that a process was given from the journal's whole answer, at least. */
  readonly answeredBeforeKill: number;
  /** Words that the provider sent. */
  readonly words: number;
  /** Words of the answers, each once. */
  readonly leastWords: number;
  /** What must not be, in words. */
  readonly violations: readonly string[];
}

/** How agents are killed. */
export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  /** Their requests are made by a keeper, which is not killed. */
  readonly hasKeeper?: boolean;
}

/** Where a process is killed. */
export type KillPoint =
  /** The provider has the request. */
  | "request"
  | "stream"
  /** The provider has answered, and the checkpoint may not be stored yet. */
  | "answer"
  /** A node begins, so the checkpoint of the one before has just been stored. */
  | "checkpoint"
  /** A tool has begun, or has just acted. */
  | "tool"
  | "any moment";

const KILL_POINTS: readonly KillPoint[] = [
  "request",
  "stream",
  "answer",
  "checkpoint",
  "tool",
  "any moment",
];
const LEASE_MS = 150;
/** An agent is killed so often at most in one thread, so that each thread ends. */
const KILLS_PER_THREAD = 6;

const COMPILED = fileURLToPath(
  new URL("../../../node_modules/.cache/threadkeep/compiled", import.meta.url),
);

type AgentEnd = Extract<AgentMessage, { readonly kind: "done" | "unknown" }>;

interface Agent {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
  /** How it ended. Undefined: it was killed. */
  readonly ended: Promise<AgentEnd | undefined>;
  onNode: (() => void) | undefined;
}

function startAgent(order: AgentOrder): Agent {
  const child = fork(fileURLToPath(new URL("agent-process.ts", import.meta.url)), {
    execArgv: ["--conditions=@threadkeep/source", "--no-warnings"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
  });
  let report = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    report += text;
  });
  let end: AgentEnd | undefined;
  let tellReady: () => void;
  const ready = new Promise<void>((resolve) => {
    tellReady = resolve;
  });
  child.on("message", (message: AgentMessage) => {
    if (message.kind === "ready") tellReady();
    else if (message.kind === "node") agent.onNode?.();
    else end = message;
  });
  const ended = once(child, "close").then(([code, signal]) => {
    if (signal === "SIGKILL") return undefined;
    if (code === 0 && end) return end;
    throw new Error(`An agent ended with ${signal ?? `code ${code}`}: ${report.slice(-2_000)}`);
  });
  const agent: Agent = { child, ready: Promise.race([ready, ended]), ended, onNode: undefined };
  child.send(order);
  return agent;
}

/** What agents ask and act upon. */
interface World {
  readonly provider: SteadyProvider;
  readonly acts: ActServer;
}

/** Kills `agent` at a point that the generator draws. Returns that point. */
async function killSomewhere(
  agent: Agent,
  { acts, provider }: World,
  random: Random,
): Promise<KillPoint> {
  const point = KILL_POINTS[random.between(0, KILL_POINTS.length - 1)] as KillPoint;
  const kill = () => agent.child.kill("SIGKILL");
  await agent.ready;
  if (point === "any moment") {
    await Promise.race([sleep(random.between(0, 400)), agent.ended]);
    kill();
  } else {
    // So many requests or answers pass by before the one that kills.
    let rest = random.between(0, 1);
    const atWord = random.between(1, 58);
    const moreMs = random.between(0, 12);
    const atAct = random.between(0, 1) === 0 ? "begun" : "acted";
    const reached = new Promise<void>((resolve) => {
      provider.onMoment = (moment, words) => {
        const isPoint =
          (point === "request" && moment === "asked") ||
          (point === "stream" && moment === "word" && words === atWord) ||
          (point === "answer" && moment === "answered");
        if (!isPoint) return;
        rest -= 1;
        if (rest < 0) resolve();
      };
      agent.onNode = () => {
        rest -= 1;
        if (point === "checkpoint" && rest < 0) resolve();
      };
      acts.onMoment = (moment) => point === "tool" && moment === atAct && resolve();
    });
    await Promise.race([reached, agent.ended]);
    if (point === "answer") await sleep(moreMs);
    kill();
  }
  provider.onMoment = undefined;
  acts.onMoment = undefined;
  await agent.ended;
  return point;
}

/** The calls whose whole answer is in the journal. */
async function listAnswered(client: MongoClient, dbName: string): Promise<string[]> {
  const entries = await client
    .db(dbName)
    .collection<{ answer: { json: string } }>("threadkeep_calls")
    .find({ kind: "after_call" })
    .toArray();
  return entries.flatMap(({ answer }) => {
    // A tool's entry has no text.
    const { text } = JSON.parse(answer.json) as { readonly text?: string };
    return text === undefined ? [] : [text.slice(0, text.indexOf(" "))];
  });
}

/** What a human does who is asked whether a tool has acted: looks at the world, and tells the journal. */
async function settle(client: MongoClient, dbName: string, acts: ActServer, key: JournalKey) {
  const hasActed = acts.count(key.threadId) > 0;
  const journal = new MongoDBCallJournal({ client, dbName });
  await settleToolCall(journal, key, hasActed ? { result: ACTED } : { runAgain: true });
}

/** What an undisturbed run ends with. */
function listTexts(threadId: string): string[] {
  const texts: string[] = [];
  for (let step = 1; step <= STEPS; step += 1) texts.push(answerTo(nameCall(threadId, step)));
  return texts.toSpliced(2, 0, ACTED);
}

function* checkEnd(
  threadId: string,
  end: AgentEnd | undefined,
  acts: ActServer,
): Generator<string> {
  const texts = end?.kind === "done" ? end.texts : [];
  const expected = listTexts(threadId);
  if (texts.length !== expected.length) yield `${threadId} ended with ${texts.length} texts`;
  for (const [index, text] of texts.entries()) {
    if (text === expected[index]) continue;
    yield `Text ${index} of ${threadId} is not that of an undisturbed run: ${text}`;
  }
  const count = acts.count(threadId);
  if (count !== 1) yield `The tool of ${threadId} has acted ${count} times`;
}

/** The calls that were asked for after their answers were seen in the journal. */
function* checkRequests(
  log: SteadyProvider["log"],
  answeredAt: ReadonlyMap<string, number>,
): Generator<string> {
  for (const [call, index] of answeredAt) {
    const again = log.slice(index).filter((request) => request.call === call).length;
    if (again > 0) yield `${call} was asked ${again} times after it was journaled`;
  }
}

/** With a keeper, each call is asked for once, whenever its process is killed. */
function* checkOnce(log: SteadyProvider["log"]): Generator<string> {
  const counts = new Map<string, number>();
  for (const { call } of log) counts.set(call, (counts.get(call) ?? 0) + 1);
  for (const [call, count] of counts) {
    if (count > 1) yield `${call} was asked ${count} times although a keeper had its answer`;
  }
}

/**
 * Has agents work on threads, kills their processes with SIGKILL at random points, and starts others in their
 * places, until there were so many kills.
 */
export async function killAgents(
  uri: string,
  { hasKeeper = false, kills, seed }: KillOptions,
  report: (text: string) => void = () => undefined,
): Promise<JournalResult> {
  const random = new Random(seed);
  const dbName = `threadkeep_journal_${randomBytes(8).toString("hex")}`;
  const client = new MongoClient(uri);
  await using provider = await SteadyProvider.start();
  await using acts = await ActServer.start();
  await using keeper = await KeeperFolder.create();
  const keeperFolder = hasKeeper ? keeper.path : undefined;
  const killed = Object.fromEntries(KILL_POINTS.map((point) => [point, 0])) as Record<
    KillPoint,
    number
  >;
  const violations: string[] = [];
  /** The length of the provider's log when the answer of a call was seen in the journal. */
  const answeredAt = new Map<string, number>();
  let [count, settled, threads] = [0, 0, 0];
  try {
    while (count < kills) {
      threads += 1;
      const threadId = `thread-${seed}-${threads}`;
      const { baseURL } = provider;
      const place = { uri, dbName, baseURL, actsUrl: acts.url, keeperFolder };
      const order = { ...place, threadId, leaseMs: LEASE_MS };
      let end: AgentEnd | undefined;
      for (let left = KILLS_PER_THREAD; end?.kind !== "done"; left -= 1) {
        const agent = startAgent(order);
        if (left > 0 && count < kills) {
          const point = await killSomewhere(agent, { provider, acts }, random);
          for (const call of await listAnswered(client, dbName)) {
            if (!answeredAt.has(call)) answeredAt.set(call, provider.log.length);
          }
          if ((await agent.ended) === undefined) {
            killed[point] += 1;
            count += 1;
            report(`${count} of ${kills} kills`);
          }
        }
        end = await agent.ended;
        if (end?.kind !== "unknown") continue;
        settled += 1;
        await settle(client, dbName, acts, end.key);
      }
      violations.push(...checkEnd(threadId, end, acts));
    }
    // Here a ledger can be compared with the provider's log, which has the words of each request.
    violations.push(...checkRequests(provider.log, answeredAt));
    if (hasKeeper) violations.push(...checkOnce(provider.log));
    const words = provider.log.reduce((sum, request) => sum + request.words, 0);
    const answers = new Set(provider.log.map(({ call }) => call));
    const leastWords = [...answers].reduce(
      (sum, call) => sum + answerTo(call).split(" ").length,
      0,
    );
    return {
      kills: killed,
      threads,
      continued: provider.log.filter(({ continues }) => continues).length,
      settled,
      answeredBeforeKill: answeredAt.size,
      words,
      leastWords,
      violations,
    };
  } finally {
    await client.db(dbName).dropDatabase();
    await client.close();
  }
}
