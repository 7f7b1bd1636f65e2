import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Annotation,
  Command,
  interrupt,
  Send,
  START,
  StateGraph,
  type BaseCheckpointSaver,
  type StateSnapshot,
} from "@langchain/langgraph";
import { createChannel, makeUpdate } from "./channels.ts";
import type { GraphSpec, NodeSpec } from "./program.ts";

export type Values = Record<string, unknown>;

/** Something that a graph does not know of, and that is the same for all runs of a program. */
export interface World {
  /** Nodes that fail. */
  broken: ReadonlySet<string>;
}

/** What programs use of a compiled graph, whose types depend on what is not known here. */
export interface ProgramGraph {
  stream(input: unknown, config: object): Promise<AsyncIterable<[string[], string, unknown]>>;
  invoke(input: unknown, config?: object): Promise<Values>;
  getState(config: RunnableConfig, options?: { subgraphs: boolean }): Promise<StateSnapshot>;
  getStateHistory(config: RunnableConfig): AsyncIterable<StateSnapshot>;
  updateState(config: RunnableConfig, values: unknown, asNode?: string): Promise<RunnableConfig>;
  bulkUpdateState(
    config: RunnableConfig,
    supersteps: { updates: { values: unknown; asNode?: string }[] }[],
  ): Promise<RunnableConfig>;
}

/** What it takes to put a graph together from names that are data. */
interface Builder {
  addNode(name: string, node: unknown, options?: { ends: string[] }): Builder;
  addEdge(from: string | string[], to: string): Builder;
  addConditionalEdges(from: string, route: (state: Values) => (string | Send)[]): Builder;
  compile(options: {
    checkpointer?: BaseCheckpointSaver | true;
    interruptBefore: string[];
    interruptAfter: string[];
  }): ProgramGraph;
}

/** Compiles a program's graph, or a subgraph of it. */
export function buildGraph(
  spec: GraphSpec,
  world: World,
  checkpointer?: BaseCheckpointSaver | true,
): ProgramGraph {
  const channels = spec.channels.map((channel) => [channel.name, createChannel(channel)] as const);
  const state = Annotation.Root(Object.fromEntries(channels));
  const builder = new StateGraph(state) as unknown as Builder;
  for (const node of spec.nodes) {
    const { ends, routes } = listTargets(node);
    builder.addNode(
      node.name,
      buildNode(spec, node, world),
      ends.length > 0 ? { ends } : undefined,
    );
    if (routes === "conditional") {
      builder.addConditionalEdges(node.name, (values) => chooseNext(spec, node, values));
    } else if (routes === "edges") {
      for (const to of node.next.to) builder.addEdge(node.name, to);
    }
  }
  for (const entry of spec.entries) builder.addEdge(START, entry);
  for (const { from, to } of spec.joins) builder.addEdge([...from], to);
  return builder.compile({
    ...(checkpointer !== undefined && { checkpointer }),
    interruptBefore: [...spec.interruptBefore],
    interruptAfter: [...spec.interruptAfter],
  });
}

function listTargets({ name, next, worker }: NodeSpec): {
  readonly ends: string[];
  readonly routes: "edges" | "conditional" | "command";
} {
  if (next.kind === "command") return { ends: [...next.to], routes: "command" };
  const ends = worker === undefined ? [] : [name];
  return { ends, routes: next.kind === "all" ? "edges" : "conditional" };
}

function chooseNext(graph: GraphSpec, { name, next }: NodeSpec, state: Values): (string | Send)[] {
  switch (next.kind) {
    case "choose":
      return next.to.length === 0 ? [] : [next.to[readLog(graph, state).length % next.to.length]!];
    case "send": {
      const { worker, count } = next;
      const again = graph.nodes.find((node) => node.name === worker)?.worker?.again ?? 0;
      const sends = Array.from(
        { length: count },
        (_, index) => new Send(worker, { item: `${name}${index}`, again }),
      );
      return [...sends, ...next.to];
    }
    case "loop": {
      const visits = readLog(graph, state).filter((entry) => entry.startsWith(`${name}@`)).length;
      return visits % (next.times + 1) === 0 ? [...next.to] : [next.back];
    }
    default:
      return [...next.to];
  }
}

function buildNode(graph: GraphSpec, node: NodeSpec, world: World): unknown {
  const { name, asks, next, subgraph, worker } = node;
  if (subgraph !== undefined) {
    const own = subgraph.checkpointer === "own" ? true : undefined;
    const compiled = buildGraph(subgraph.graph, world, own);
    return subgraph.call === "node" ? compiled : (state: Values) => compiled.invoke(state);
  }
  return (state: Values) => {
    const { item = "", again = 0 } = state as { item?: string; again?: number };
    const writer = `${name}${item}`;
    const answers = Array.from({ length: asks }, (_, index) =>
      interrupt<string, string>(`${writer} asks ${index}`),
    );
    if (world.broken.has(name)) throw new Error(`${name} is broken`);
    const beat = worker === undefined ? readLog(graph, state).length : again;
    const update = makeUpdate(graph.channels, node.writes, { writer, beat });
    const log = [`${name}@${beat}${item}`, ...answers.map((answer) => `${name} heard ${answer}`)];
    const result = { ...update, [graph.channels[0]!.name]: log };
    if (worker !== undefined && again > 0) {
      const send = new Send(name, { item: `${item}'`, again: again - 1 });
      return new Command({ update: result, goto: [send] });
    }
    if (next.kind === "command" && next.to.length > 0) {
      return new Command({ update: result, goto: next.to[beat % next.to.length]! });
    }
    return result;
  };
}

/** A graph's first channel, to which each node appends itself. */
function readLog({ channels }: GraphSpec, state: Values): string[] {
  return (state[channels[0]!.name] as string[] | undefined) ?? [];
}
