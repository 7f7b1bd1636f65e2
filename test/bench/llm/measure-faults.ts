import { setTimeout as delay } from "node:timers/promises";
import { FaultServer } from "../../resilient-llm/testing/fault-server.ts";
import * as replies from "../../resilient-llm/testing/replies.ts";
import { percentile } from "../harness/percentile.ts";
import type { Contender, Entrant } from "./contenders/contender.ts";
import { ENTRANTS } from "./contenders/entrants.ts";
import { createFaultScript, isForAnswer } from "./faults/fault-script.ts";
import type { PickFault } from "./faults/fault.ts";
import {
  answerTo,
  askIn,
  CONCURRENCY,
  GIVE_UP_MS,
  IDLE_MS,
  MODELS,
  PRICES,
  PROMPT_TOKENS,
  TIMEOUT_MS,
} from "./faults/scenario.ts";

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

/** A contender that does not take part, and why. */
export interface Absence {
  readonly contender: string;
  readonly reason: string;
}

interface Task {
  readonly calls: number;
  readonly seed: number;
  readonly pickFault: PickFault;
}

/** Starts a contender with a server of its own, lets it make its calls, and ends both. */
async function takePart(
  { name, prepare, start }: Entrant,
  task: Task,
): Promise<FaultResult | Absence> {
  // LiteLLM asks for the list of models as it starts.
  await using server = await FaultServer.start(replies.error(404));
  const settings = {
    baseURL: server.baseURL,
    ...MODELS,
    timeoutMs: TIMEOUT_MS,
    idleMs: IDLE_MS,
  };
  let contender: Contender;
  try {
    await prepare?.();
    contender = await start(settings);
  } catch (error) {
    return { contender: name, reason: error instanceof Error ? error.message : String(error) };
  }
  await using running = contender;
  return await measure(name, running, server, task);
}

async function measure(
  name: string,
  contender: Contender,
  server: FaultServer,
  { calls, pickFault, seed }: Task,
): Promise<FaultResult> {
  let costUsd = 0;
  server.playScript(
    createFaultScript(seed, pickFault, (model, tokens) => {
      const price = PRICES[model];
      if (price) costUsd += (PROMPT_TOKENS * price.input + tokens * price.output) / 1e6;
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
        contender.ask(askIn(call)).then(
          (text) => (text === answerTo(seed, call) ? "right" : "wrong"),
          () => "failed" as const,
        ),
        delay(GIVE_UP_MS, "hung" as const, { signal: limit.signal }).catch(() => "hung" as const),
      ]);
      limit.abort();
      counts[outcome] += 1;
      durations.push(performance.now() - startedAtMs);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const requests = server.requests.filter(isForAnswer);
  return {
    contender: name,
    ...counts,
    requestsPerCall: requests.length / calls,
    p50Ms: percentile(durations, 0.5),
    p99Ms: percentile(durations, 0.99),
    costUsd,
  };
}

/**
 * Lets every contender make its calls, all against the same faults. The last result is that of
 * ResilientChatModel.
 *
 * @param without Ids of those that do not take part.
 */
export async function measureContenders(
  task: Task,
  without: readonly string[],
): Promise<{ readonly results: FaultResult[]; readonly absent: Absence[] }> {
  const entrants = ENTRANTS.filter(({ id }) => !without.includes(id));
  const outcomes = new Map<Entrant, FaultResult | Absence>();
  const perform = async (entrant: Entrant) =>
    void outcomes.set(entrant, await takePart(entrant, task));
  // At once, each with a server of its own: they mostly wait, and share the machine's mood.
  await Promise.all(entrants.filter(({ runsAlone }) => !runsAlone).map(perform));
  for (const entrant of entrants.filter(({ runsAlone }) => runsAlone)) await perform(entrant);
  const inOrder = entrants.flatMap((entrant) => outcomes.get(entrant) ?? []);
  return {
    results: inOrder.filter((outcome) => "right" in outcome),
    absent: inOrder.filter((outcome) => "reason" in outcome),
  };
}
