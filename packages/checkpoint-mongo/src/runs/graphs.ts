import type { RunnableConfig } from "@langchain/core/runnables";
import { z } from "zod";
import { UnknownGraphError } from "../errors/unknown-graph-error.ts";

/** What is read of a graph's state. */
export interface GraphState {
  /** The state itself. */
  readonly values: unknown;
  /** The nodes that have yet to run. */
  readonly next: readonly string[];
  /** The checkpoint. */
  readonly config: RunnableConfig;
  /** The checkpoint's metadata. */
  readonly metadata?: object | undefined;
  /** The tasks that have yet to run, or to be completed. */
  readonly tasks: readonly {
    readonly id: string;
    readonly interrupts: readonly { readonly id?: string; readonly value?: unknown }[];
    readonly result?: unknown;
  }[];
}

/** What runs need of a graph: a compiled `StateGraph`, or what `entrypoint` makes. */
export interface RunnableGraph {
  /** Runs it. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as each graph declares it
  invoke(input: any, config?: any): Promise<unknown>;
  /** Reads the state of a thread. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as each graph declares it
  getState(config: any, options?: any): Promise<GraphState>;
}

/** An agent of `createAgent`, which has its graph in `graph`. */
export interface GraphHolder {
  /** The compiled graph. */
  readonly graph: RunnableGraph;
}

/** A graph with a version. */
export interface VersionedGraph {
  /**
   * The graph. A process that only starts runs does not need it.
   *
   * @default undefined: runs of this graph can be started here, and not carried out
   */
  readonly graph?: RunnableGraph | GraphHolder | undefined;
  /**
   * Stamped on each run that is started here.
   *
   * @default undefined: runs have no version
   */
  readonly version?: string | undefined;
  /**
   * The versions whose runs this graph can go on with, or `"any"`. Runs of other versions wait for a worker that
   * can.
   *
   * @default the graph's own version; without one, `"any"`
   */
  readonly accepts?: readonly string[] | "any" | undefined;
}

/** Graphs by the names that runs are started with. */
export type Graphs = Readonly<Record<string, RunnableGraph | GraphHolder | VersionedGraph>>;

/** A graph of {@link Graphs}, checked. */
export interface KnownGraph {
  readonly name: string;
  readonly graph: RunnableGraph | undefined;
  readonly version: string | undefined;
  readonly accepts: readonly string[] | "any";
}

/** The graphs of a process, by name. */
export type KnownGraphs = ReadonlyMap<string, KnownGraph>;

const versionedSchema = z.strictObject({
  graph: z
    .custom<RunnableGraph | GraphHolder>((value) => findGraph(value) !== undefined)
    .optional(),
  version: z.string().min(1).max(256).optional(),
  accepts: z.union([z.literal("any"), z.array(z.string().min(1).max(256)).min(1)]).optional(),
});

const GRAPH = "a compiled graph, an agent of createAgent, or { graph, version, accepts }";

/** The option `graphs`. */
export const graphsOption: z.ZodType<KnownGraphs> = z
  .custom<Graphs>(
    (value) => typeof value === "object" && value !== null && !Array.isArray(value),
    "an object of graphs by name",
  )
  .transform((graphs, context) => {
    const known = new Map<string, KnownGraph>();
    for (const [name, value] of Object.entries(graphs)) {
      const graph = findGraph(value);
      const parsed = graph === undefined ? versionedSchema.safeParse(value) : undefined;
      if (parsed?.success === false || name === "") {
        context.addIssue({ code: "custom", message: GRAPH, path: [name] });
        continue;
      }
      const { graph: inner, version, accepts } = parsed?.data ?? { graph };
      known.set(name, {
        name,
        graph: findGraph(inner),
        version,
        accepts: accepts ?? (version === undefined ? "any" : [version]),
      });
    }
    return known;
  });

/** @throws UnknownGraphError if there is none of the name */
export function requireGraph(graphs: KnownGraphs, name: unknown): KnownGraph {
  const graph = typeof name === "string" ? graphs.get(name) : undefined;
  if (graph === undefined) throw new UnknownGraphError(String(name), [...graphs.keys()]);
  return graph;
}

/** The conditions for runs that these graphs can go on with. */
export function matchAccepted(graphs: KnownGraphs): object {
  const accepted = [...graphs.values()]
    .filter(({ graph }) => graph !== undefined)
    .map(({ name, accepts }) =>
      accepts === "any" ? { graph: name } : { graph: name, version: { $in: accepts } },
    );
  // An empty $or is refused; no run has an empty name.
  return accepted.length === 0 ? { graph: "" } : { $or: accepted };
}

/** Whether these graphs can go on with a run. */
export function isAccepted(
  graphs: KnownGraphs,
  { graph: name, version }: { readonly graph: string; readonly version?: string | undefined },
): boolean {
  const known = graphs.get(name);
  if (known?.graph === undefined) return false;
  return known.accepts === "any" || (version !== undefined && known.accepts.includes(version));
}

function findGraph(value: unknown): RunnableGraph | undefined {
  if (isGraph(value)) return value;
  const { graph } = (value ?? {}) as Partial<GraphHolder>;
  // A versioned graph has further keys of its own, an agent has methods.
  const isAgent = typeof (value as { invoke?: unknown } | null)?.invoke === "function";
  return isAgent && isGraph(graph) ? graph : undefined;
}

function isGraph(value: unknown): value is RunnableGraph {
  const { invoke, getState, graph } = (value ?? {}) as Partial<RunnableGraph & GraphHolder>;
  // An agent has a getState too, which always throws.
  return typeof invoke === "function" && typeof getState === "function" && !isGraphLike(graph);
}

function isGraphLike(value: unknown): boolean {
  return typeof (value as Partial<RunnableGraph> | null | undefined)?.invoke === "function";
}
