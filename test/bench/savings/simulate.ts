import { Annotation, StateGraph } from "@langchain/langgraph";
import { ResilientChatModel } from "@threadkeep/resilient-llm";
import type { MongoClient } from "mongodb";
import { FaultPlan } from "./fault-plan.ts";
import { makeMortal } from "./mortal.ts";
import { ACTION_MS, INPUT_TOKENS, OUTPUT_TOKENS, type Scenario, TOKEN_MS } from "./scenario.ts";
import { promptOf, TokenProvider } from "./token-provider.ts";
import { VirtualTime } from "./virtual-time.ts";
import type { Way } from "./ways.ts";

/** What a job came to. */
export interface Outcome {
  readonly scenario: string;
  readonly way: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** What an undisturbed run takes. */
  readonly leastTokens: number;
  readonly faults: number;
  readonly stepsDone: number;
  readonly steps: number;
  readonly hours: number;
}

const HOUR_MS = 3_600_000;
/** The action is looked at so often, to see whether the process dies in it. */
const ACTION_SLICES = 100;
/** As short as it may be: the simulation waits for its end in real time. */
const LEASE_MS = 100;
/** A journal of a process that has died is not waited for. */
const JOURNAL_TIMEOUT_MS = 1_500;

/** The process has died. */
class Death extends Error {}

/** Does a job in a way, with all the faults of its scenario. */
export async function simulate(
  scenario: Scenario,
  way: Way,
  client: MongoClient,
  dbName: string,
): Promise<Outcome> {
  const time = new VirtualTime();
  const plan = new FaultPlan(scenario);
  await using provider = new TokenProvider();
  const baseURL = await provider.start();
  let stepsDone = 0;
  let faults = 0;

  /** One life of the process. Returns whether the job is done. */
  async function live(): Promise<boolean> {
    let step = 0;
    const end = new AbortController();
    const checkDeath = (moment: "answer" | "action"): void => {
      if (end.signal.aborted) return;
      if (plan.takeDue(time.nowMs, step, moment)) end.abort(new Death());
    };
    const isDead = () => end.signal.aborted;
    const { journal, saver } = way.open(client, dbName);
    const model = new ResilientChatModel({
      models: ["simulated"],
      baseURL,
      apiKey: "none",
      ...(journal && {
        journal: {
          store: makeMortal(journal, isDead),
          leaseMs: LEASE_MS,
          timeoutMs: JOURNAL_TIMEOUT_MS,
        },
      }),
    });
    let sent = 0;
    provider.onTokens = (tokens) => {
      time.advance(tokens * TOKEN_MS);
      sent += tokens;
      // A fault of a step comes at the middle of its answer.
      if (sent >= OUTPUT_TOKENS / 2) checkDeath("answer");
    };
    const State = Annotation.Root({ done: Annotation<number> });
    const graph = new StateGraph(State)
      .addNode("step", async ({ done }) => {
        step = done + 1;
        sent = 0;
        const stream = await model.stream(promptOf(step), { signal: end.signal });
        for await (const _ of stream) end.signal.throwIfAborted();
        for (let slice = 0; slice < ACTION_SLICES; slice += 1) {
          time.advance(ACTION_MS / ACTION_SLICES);
          if (slice >= ACTION_SLICES / 2) checkDeath("action");
          end.signal.throwIfAborted();
        }
        return { done: step };
      })
      .addEdge("__start__", "step")
      .addConditionalEdges("step", ({ done }) => (done < scenario.steps ? "step" : "__end__"))
      .compile(saver ? { checkpointer: makeMortal(saver, isDead) } : {});
    const config = { configurable: { thread_id: "job" }, recursionLimit: scenario.steps + 5 };
    const begun = saver && (await saver.getTuple(config));
    const died = new Promise<never>((_, reject) => {
      end.signal.addEventListener("abort", () => reject(end.signal.reason as Error), {
        once: true,
      });
    });
    const run = graph.invoke(begun ? null : { done: 0 }, { ...config, durability: "sync" });
    try {
      await Promise.race([run, died]);
      stepsDone = scenario.steps;
      return true;
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      run.catch(() => undefined);
      faults += 1;
      stepsDone = step - 1;
      return false;
    }
  }

  while (!(await live())) if (time.nowMs >= scenario.giveUpAfterMs) break;
  return {
    scenario: scenario.name,
    way: way.name,
    inputTokens: provider.inputTokens,
    outputTokens: provider.outputTokens,
    leastTokens: scenario.steps * (INPUT_TOKENS + OUTPUT_TOKENS),
    faults,
    stepsDone,
    steps: scenario.steps,
    hours: time.nowMs / HOUR_MS,
  };
}
