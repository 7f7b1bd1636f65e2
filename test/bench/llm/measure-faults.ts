import { setTimeout as delay } from "node:timers/promises";
import { createContenders, type Contender } from "../../resilient-llm/testing/contenders.ts";
import {
  FaultServer,
  type ReceivedRequest,
  type Reply,
} from "../../resilient-llm/testing/fault-server.ts";
import * as replies from "../../resilient-llm/testing/replies.ts";
import { percentile } from "../harness/percentile.ts";
import {
  concurrency,
  giveUpMs,
  idleMs,
  models,
  outage,
  pickFault,
  prices,
  timeoutMs,
  wordMs,
  wordsOf,
} from "./fault-scenario.ts";

/** The reply to a request, and the tokens it makes the caller pay for. */
function createScript(seed: number, spend: (model: string, tokens: number) => void) {
  const startedAtMs = performance.now();
  const attempts = new Map<number, number>();
  return (request: ReceivedRequest): Reply => {
    // Not the last message: a request for a continuation has two more.
    const call = Number(/\d+/.exec(String(request.body.messages.at(0)?.content))?.[0]);
    const attempt = (attempts.get(call) ?? 0) + 1;
    attempts.set(call, attempt);
    const elapsedMs = performance.now() - startedAtMs;
    const down = elapsedMs >= outage.fromMs && elapsedMs < outage.fromMs + outage.lengthMs;
    if (down && request.model === models.primary) return replies.error(503);
    const fault = pickFault(seed, call, attempt);
    if (fault === "429 with hint") return replies.error(429, { "retry-after": "1" });
    if (fault === "500" || fault === "503") return replies.error(Number(fault));
    if (fault === "reset") return replies.resetAtOnce;
    const words = wordsOf(seed, call);
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

/** What became of the calls of one contender. */
export interface FaultResult {
  readonly contender: string;
  readonly right: number;
  readonly wrong: number;
  readonly failed: number;
  readonly hung: number;
  readonly requestsPerCall: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly costUsd: number;
}

async function measure(
  pick: (contenders: Contender[]) => Contender | undefined,
  calls: number,
  seed: number,
): Promise<FaultResult> {
  await using server = await FaultServer.start();
  const contender = pick(
    createContenders({ baseURL: server.baseURL, ...models, timeoutMs, idleMs }),
  );
  if (!contender) throw new Error("No such contender");
  let costUsd = 0;
  server.playScript(
    createScript(seed, (model, tokens) => {
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
          (text) => (text === wordsOf(seed, call).join(" ") ? "right" : "wrong"),
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
  return {
    contender: contender.name,
    ...counts,
    requestsPerCall: server.requests.length / calls,
    p50Ms: percentile(durations, 0.5),
    p99Ms: percentile(durations, 0.99),
    costUsd,
  };
}

/** Lets every contender make its calls, all against the same faults. The last one is ResilientChatModel. */
export function measureContenders(calls: number, seed: number): Promise<FaultResult[]> {
  // All at once, each with a server of its own: they mostly wait, and share the machine's mood.
  return Promise.all([0, 1, 2, 3].map((index) => measure((all) => all[index], calls, seed)));
}
