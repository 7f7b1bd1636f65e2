import { Annotation, type CompiledStateGraph, END, START, StateGraph } from "@langchain/langgraph";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "./ledger.ts";
import type { WorkerOrder } from "./worker-order.ts";

/** What nodes are told of their run. */
interface NodeConfig {
  readonly configurable: { readonly run_id: string; readonly run_token: number };
}

/** A graph of so many steps, each of which writes to the ledger. */
export function makeLedgerGraph(
  ledger: Ledger,
  { steps, stepMs, name: worker }: Pick<WorkerOrder, "steps" | "stepMs" | "name">,
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever its nodes are
): CompiledStateGraph<any, any, any> {
  const State = Annotation.Root({
    taken: Annotation<number[]>({
      reducer: (before, more) => before.concat(more),
      default: () => [],
    }),
  });
  return new StateGraph(State)
    .addNode("step", async ({ taken }, config) => {
      const { run_id: run, run_token: token } = (config as unknown as NodeConfig).configurable;
      const step = taken.length;
      await ledger.write({ run, step, token, worker });
      await sleep(stepMs * (0.5 + Math.random()));
      return { taken: [step] };
    })
    .addEdge(START, "step")
    .addConditionalEdges("step", ({ taken }) => (taken.length < steps ? "step" : END))
    .compile();
}
