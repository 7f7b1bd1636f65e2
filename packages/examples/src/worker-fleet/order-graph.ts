import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "./ledger.ts";
import { ACTIONS, type Action } from "./orders.ts";

const Order = Annotation.Root({
  done: Annotation<Action[]>({
    reducer: (before, more) => before.concat(more),
    default: () => [],
  }),
});

/** `reserve ─▶ charge ─▶ ship ─▶ confirm`, each an action in the ledger that takes its time. */
export function buildOrderGraph(ledger: Ledger, stepMs: number) {
  const node = (action: Action) => async (_order: typeof Order.State, config: object) => {
    const { run_id: run, run_token: token } = (config as NodeConfig).configurable;
    await sleep(stepMs * Math.random());
    await ledger.act(run, action, token);
    await sleep(stepMs * Math.random());
    return { done: [action] };
  };
  return new StateGraph(Order)
    .addNode("reserve", node("reserve"))
    .addNode("charge", node("charge"))
    .addNode("ship", node("ship"))
    .addNode("confirm", node("confirm"))
    .addEdge(START, "reserve")
    .addEdge("reserve", "charge")
    .addEdge("charge", "ship")
    .addEdge("ship", "confirm")
    .addEdge("confirm", END)
    .compile({ name: "order" });
}

/** What a run tells its nodes, for the systems that they change. */
interface NodeConfig {
  readonly configurable: { readonly run_id: string; readonly run_token: number };
}

/** How many actions there are for so many runs. */
export function countActions(runs: number): number {
  return runs * ACTIONS.length;
}
