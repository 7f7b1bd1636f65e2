/**
 * Calls of a model whose provider fails in every way providers do, by the usual means of LangChain.js
 * and by ResilientChatModel, side by side against the same faults.
 *
 * node --conditions=@threadkeep/source test/bench/llm-faults.ts [--calls N] [--seed N] [--json FILE]
 */
import { writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import {
  createContenders,
  type Contender,
} from "../../packages/resilient-llm/src/testing/contenders.ts";
import {
  FaultServer,
  type ReceivedRequest,
  type Reply,
} from "../../packages/resilient-llm/src/testing/fault-server.ts";
import * as replies from "../../packages/resilient-llm/src/testing/replies.ts";

const { values: flags } = parseArgs({
  options: {
    calls: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
  },
});
const calls = Number(flags.calls);
const seed = Number(flags.seed);

const concurrency = 16;
const wordsPerAnswer = 20;
const wordMs = 40;
/** The first model is down from then, for that long. */
const outage = { fromMs: 10_000, lengthMs: 30_000 };
const timeoutMs = 3000;
const idleMs = 2000;
/** A call that takes longer has hung; nobody would wait for it. */
const giveUpMs = 60_000;
const models = { primary: "primary", backup: "backup" };
/** USD per million tokens, to see who pays for answers thrown away or for the dearer model. */
const prices: Readonly<Record<string, { readonly input: number; readonly output: number }>> = {
  primary: { input: 1, output: 4 },
  backup: { input: 3, output: 12 },
};

type Fault = "429 with hint" | "500" | "503" | "stall" | "cut" | "reset";

const shares: readonly (readonly [Fault, number])[] = [
  ["429 with hint", 0.08],
  ["500", 0.05],
  ["503", 0.03],
  ["stall", 0.02],
  ["cut", 0.02],
  ["reset", 0.02],
];

/** A number in [0, 1) that depends on nothing but its arguments (mulberry32's mixing). */
function pseudoRandom(...parts: readonly number[]): number {
  let state = seed;
  for (const part of parts) {
    state = Math.imul(state ^ part, 0x9e37_79b1) + 0x6d2b_79f5;
    state = Math.imul(state ^ (state >>> 15), state | 1);
    state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  }
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}

function pickFault(call: number, attempt: number): Fault | undefined {
  let position = pseudoRandom(call, attempt);
  for (const [fault, share] of shares) {
    if (position < share) return fault;
    position -= share;
  }
  return undefined;
}

function wordsOf(call: number): string[] {
  return Array.from({ length: wordsPerAnswer }, (_, index) =>
    Math.floor(pseudoRandom(call, index, 7) * 36 ** 4).toString(36),
  );
}

/** The reply to a request, and the tokens it makes the caller pay for. */
function createScript(startedAtMs: number, spend: (model: string, tokens: number) => void) {
  const attempts = new Map<number, number>();
  return (request: ReceivedRequest): Reply => {
    const call = Number(/\d+/.exec(String(request.body.messages.at(-1)?.content))?.[0]);
    const attempt = (attempts.get(call) ?? 0) + 1;
    attempts.set(call, attempt);
    const elapsedMs = performance.now() - startedAtMs;
    const down = elapsedMs >= outage.fromMs && elapsedMs < outage.fromMs + outage.lengthMs;
    if (down && request.model === models.primary) return replies.error(503);
    const fault = pickFault(call, attempt);
    if (fault === "429 with hint") return replies.error(429, { "retry-after": "1" });
    if (fault === "500" || fault === "503") return replies.error(Number(fault));
    if (fault === "reset") return replies.resetAtOnce;
    const words = wordsOf(call);
    const sent = fault === undefined ? words.length : 5;
    spend(request.model, sent);
    const steps = words
      .slice(0, sent)
      .flatMap((word, index) => [{ waitMs: wordMs }, { text: index === 0 ? word : ` ${word}` }]);
    if (fault === "stall") return replies.stream(...steps, { hang: true });
    if (fault === "cut") return replies.stream(...steps);
    return replies.stream(...steps, { finish: "stop" }, { usage: replies.usage }, { done: true });
  };
}

interface Result {
  readonly case: "llm-faults";
  readonly contender: string;
  readonly calls: number;
  readonly right: number;
  readonly wrong: number;
  readonly failed: number;
  readonly hung: number;
  readonly requestsPerCall: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly costUsd: number;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

async function measure(pick: (contenders: Contender[]) => Contender | undefined): Promise<Result> {
  await using server = await FaultServer.start();
  const contender = pick(
    createContenders({ baseURL: server.baseURL, ...models, timeoutMs, idleMs }),
  );
  if (!contender) throw new Error("No such contender");
  let costUsd = 0;
  server.playScript(
    createScript(performance.now(), (model, tokens) => {
      const price = prices[model];
      if (price) costUsd += (10 * price.input + tokens * price.output) / 1e6;
    }),
  );
  const counts = { right: 0, wrong: 0, failed: 0, hung: 0 };
  const durations: number[] = [];
  let next = 0;
  const work = async () => {
    while (next < calls) {
      const call = next;
      next += 1;
      const startedAtMs = performance.now();
      const limit = new AbortController();
      const outcome = await Promise.race([
        contender.ask(`Question ${call}`).then(
          (text) => (text === wordsOf(call).join(" ") ? "right" : "wrong"),
          () => "failed" as const,
        ),
        delay(giveUpMs, "hung" as const, { signal: limit.signal }).catch(() => "hung" as const),
      ]);
      limit.abort();
      counts[outcome] += 1;
      durations.push(performance.now() - startedAtMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  durations.sort((left, right) => left - right);
  return {
    case: "llm-faults",
    contender: contender.name,
    calls,
    ...counts,
    requestsPerCall: server.requests.length / calls,
    p50Ms: quantile(durations, 0.5),
    p99Ms: quantile(durations, 0.99),
    costUsd,
  };
}

// All at once, each with a server of its own: they mostly wait, and share the machine's mood.
const results = await Promise.all([0, 1, 2, 3].map((index) => measure((all) => all[index])));

const table = new Table({
  head: ["", "right", "wrong", "failed", "hung", "requests/call", "p50 ms", "p99 ms", "USD"],
  style: { head: [], border: [] },
});
for (const result of results) {
  table.push([
    result.contender,
    result.right,
    result.wrong,
    result.failed,
    result.hung,
    result.requestsPerCall.toFixed(2),
    Math.round(result.p50Ms),
    Math.round(result.p99Ms),
    result.costUsd.toFixed(4),
  ]);
}
console.log(
  `${calls} calls, ${concurrency} at a time, seed ${seed}; first model down for ${outage.lengthMs / 1000} s\n${table.toString()}`,
);
if (flags.json !== undefined) await writeFile(flags.json, `${JSON.stringify(results, null, 2)}\n`);
const ours = results.at(-1);
const reached = ours?.right === calls && ours.requestsPerCall <= 1.4;
console.log(reached ? "Goal reached: all right, at most 1.4 requests per call." : "Goal missed.");
// Hung streams of the others would keep the process alive.
process.exit(reached ? 0 : 1);
