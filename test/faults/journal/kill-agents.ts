import { MongoClient } from "mongodb";
import { type ChildProcess, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random } from "../../checkpoint-mongo/differential/random.ts";
import { type AgentMessage, type AgentOrder, nameCall, STEPS } from "./agent-order.ts";
import { answerTo, SteadyProvider } from "./steady-provider.ts";

/** What came of agents that were killed again and again. */
export interface JournalResult {
  readonly kills: Readonly<Record<KillPoint, number>>;
  readonly threads: number;
  /** Requests that asked for the rest of an answer. */
  readonly continued: number;
  /** Calls that a process was given from the journal's whole answer, at least. */
  readonly answeredBeforeKill: number;
  /** Words that the provider sent. */
  readonly words: number;
  /** Words of the answers, each once. */
  readonly leastWords: number;
  /** What must not be, in words. */
  readonly violations: readonly string[];
}

/** Where a process is killed. */
export type KillPoint = "request" | "stream" | "answer" | "any moment";

const KILL_POINTS: readonly KillPoint[] = ["request", "stream", "answer", "any moment"];
const LEASE_MS = 150;
/** An agent is killed so often at most in one thread, so that each thread ends. */
const KILLS_PER_THREAD = 6;

const COMPILED = fileURLToPath(
  new URL("../../../node_modules/.cache/threadkeep/compiled", import.meta.url),
);

interface Agent {
  readonly child: ChildProcess;
  readonly ready: Promise<unknown>;
  /** The texts of the thread's end, or undefined if the process was killed. */
  readonly ended: Promise<readonly string[] | undefined>;
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
  let texts: readonly string[] | undefined;
  let tellReady: () => void;
  const ready = new Promise<void>((resolve) => {
    tellReady = resolve;
  });
  child.on("message", (message: AgentMessage) => {
    if (message.kind === "ready") tellReady();
    else texts = message.texts;
  });
  const ended = once(child, "close").then(([code, signal]) => {
    if (signal === "SIGKILL") return undefined;
    if (code === 0 && texts) return texts;
    throw new Error(`An agent ended with ${signal ?? `code ${code}`}: ${report.slice(-2_000)}`);
  });
  child.send(order);
  return { child, ready: Promise.race([ready, ended]), ended };
}

/** Kills `agent` at a point that the generator draws. Returns that point. */
async function killSomewhere(
  agent: Agent,
  provider: SteadyProvider,
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
    });
    await Promise.race([reached, agent.ended]);
    if (point === "answer") await sleep(moreMs);
    kill();
  }
  provider.onMoment = undefined;
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
  return entries.map(({ answer }) => {
    const { text } = JSON.parse(answer.json) as { readonly text: string };
    return text.slice(0, text.indexOf(" "));
  });
}

/**
 * Has agents work on threads, kills their processes with SIGKILL at random points, and starts others in their
 * places, until there were so many kills.
 */
export async function killAgents(
  uri: string,
  { kills, seed }: { readonly kills: number; readonly seed: number },
  report: (text: string) => void = () => undefined,
): Promise<JournalResult> {
  const random = new Random(seed);
  const dbName = `threadkeep_journal_${randomBytes(8).toString("hex")}`;
  const client = new MongoClient(uri);
  await using provider = await SteadyProvider.start();
  const killed: Record<KillPoint, number> = {
    request: 0,
    stream: 0,
    answer: 0,
    "any moment": 0,
  };
  const violations: string[] = [];
  /** The length of the provider's log when the answer of a call was seen in the journal. */
  const answeredAt = new Map<string, number>();
  let count = 0;
  let threads = 0;
  try {
    while (count < kills) {
      threads += 1;
      const threadId = `thread-${seed}-${threads}`;
      const order: AgentOrder = {
        uri,
        dbName,
        baseURL: provider.baseURL,
        threadId,
        leaseMs: LEASE_MS,
      };
      for (let left = KILLS_PER_THREAD; left > 0 && count < kills; left -= 1) {
        const agent = startAgent(order);
        const point = await killSomewhere(agent, provider, random);
        for (const call of await listAnswered(client, dbName)) {
          if (!answeredAt.has(call)) answeredAt.set(call, provider.log.length);
        }
        if ((await agent.ended) !== undefined) break;
        killed[point] += 1;
        count += 1;
        report(`${count} of ${kills} kills`);
      }
      const texts = await startAgent(order).ended;
      for (let step = 1; step <= STEPS; step += 1) {
        const call = nameCall(threadId, step);
        if (texts?.[step - 1] === answerTo(call)) continue;
        violations.push(`The answer to ${call} is not the undisturbed one: ${texts?.[step - 1]}`);
      }
      if (texts?.length !== STEPS) violations.push(`${threadId} ended with ${texts?.length} texts`);
    }
    for (const [call, index] of answeredAt) {
      const again = provider.log.slice(index).filter((request) => request.call === call).length;
      if (again > 0) violations.push(`${call} was asked ${again} times after it was journaled`);
    }
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
