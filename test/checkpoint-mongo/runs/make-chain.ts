import { Annotation, type CompiledStateGraph, END, START, StateGraph } from "@langchain/langgraph";

/** What a step is told of its run. */
export interface StepConfig {
  readonly configurable: { readonly run_id: string; readonly run_token: number };
  readonly signal?: AbortSignal;
}

/** What a step does. What it returns is noted behind its name. */
export type Step = (config: StepConfig) => string | void | Promise<string | void>;

// oxlint-disable-next-line typescript/no-explicit-any -- whatever its nodes are
export type AnyGraph = CompiledStateGraph<any, any, any>;

/** A graph that takes one step after the other, and notes in its `log` which it has taken. */
export function makeChain(steps: Readonly<Record<string, Step>>): AnyGraph {
  const State = Annotation.Root({
    log: Annotation<string[]>({
      reducer: (before, more) => before.concat(more),
      default: () => [],
    }),
  });
  const builder = new StateGraph(State);
  const names = Object.keys(steps);
  for (const [name, act] of Object.entries(steps)) {
    builder.addNode(name, async (_state: unknown, config: unknown) => {
      const said = await act(config as StepConfig);
      return { log: [said === undefined ? name : `${name}: ${said}`] };
    });
  }
  for (const [index, name] of [START, ...names].entries()) {
    builder.addEdge(name as typeof START, (names[index] ?? END) as typeof END);
  }
  return builder.compile();
}
