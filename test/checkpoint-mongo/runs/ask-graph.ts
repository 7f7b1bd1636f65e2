import {
  Annotation,
  type CompiledStateGraph,
  END,
  interrupt,
  START,
  StateGraph,
} from "@langchain/langgraph";

/** What a graph of the tests keeps: the names of the nodes that ran, and what they were told. */
export const Log: ReturnType<typeof defineLog> = defineLog();

// oxlint-disable-next-line typescript/explicit-function-return-type -- LangGraph's types are inferred
function defineLog() {
  return Annotation.Root({
    log: Annotation<string[]>({
      reducer: (before, more) => before.concat(more),
      default: () => [],
    }),
  });
}

/** A graph that does one thing after the other. */
export function makeChain(
  steps: Readonly<Record<string, (config: StepConfig) => unknown>>,
): AnyGraph {
  const builder = new StateGraph(Log);
  const names = Object.keys(steps);
  for (const [name, act] of Object.entries(steps)) {
    builder.addNode(name, async (_state: unknown, config: unknown) => {
      const said = await act(config as StepConfig);
      return { log: [said === undefined ? name : `${name}: ${String(said)}`] };
    });
  }
  for (const [from, to] of [START, ...names].map((name, index) => [name, names[index] ?? END])) {
    builder.addEdge(from as typeof START, to as typeof END);
  }
  return builder.compile();
}

/** What a step is told of its run. */
export interface StepConfig {
  readonly configurable: { readonly run_id: string; readonly run_token: number };
  readonly signal?: AbortSignal;
}

// oxlint-disable-next-line typescript/no-explicit-any -- whatever its nodes are
export type AnyGraph = CompiledStateGraph<any, any, any>;

export { interrupt };
