/** How a channel takes what nodes write to it; see `channels.ts`. */
export type ChannelKind =
  | "append"
  | "fold"
  | "merge"
  | "last"
  | "mutates-right"
  | "mutates-left"
  | "messages"
  | "delta"
  | "delta-merge"
  | "delta-stamps"
  | "delta-messages"
  | "topic"
  | "unique-topic"
  | "ephemeral"
  | "any"
  | "untracked";

export interface ChannelSpec {
  readonly name: string;
  readonly kind: ChannelKind;
  /** After how many updates a delta channel is stored as a whole. */
  readonly snapshotFrequency: number;
}

/** Where the run goes after a node. */
export type Next =
  /** All of these; none ends the branch. */
  | { readonly kind: "all"; readonly to: readonly string[] }
  /** One of these, by how much has been logged. */
  | { readonly kind: "choose"; readonly to: readonly string[] }
  /** One of these, named by the `Command` that the node returns. */
  | { readonly kind: "command"; readonly to: readonly string[] }
  /** `count` tasks of one node, each with arguments of its own, and other nodes beside them. */
  | {
      readonly kind: "send";
      readonly worker: string;
      readonly count: number;
      readonly to: readonly string[];
    }
  /** Back to an earlier node so many times, then on. */
  | {
      readonly kind: "loop";
      readonly back: string;
      readonly times: number;
      readonly to: readonly string[];
    };

export interface NodeSpec {
  readonly name: string;
  /** The channels it writes to. */
  readonly writes: readonly string[];
  /** How often it interrupts before it writes. */
  readonly asks: number;
  readonly next: Next;
  /** It gets the arguments of a `Send`; this often, it sends one to itself. */
  readonly worker?: { readonly again: number };
  readonly subgraph?: SubgraphSpec;
}

export interface SubgraphSpec {
  readonly graph: GraphSpec;
  /** `inherit` takes the parent's saver for one run; `own` keeps its state from run to run. */
  readonly checkpointer: "inherit" | "own";
  /** Whether the graph itself is the node, or a function that invokes it. */
  readonly call: "node" | "function";
}

export interface GraphSpec {
  readonly channels: readonly ChannelSpec[];
  readonly entries: readonly string[];
  readonly nodes: readonly NodeSpec[];
  /** The last waits until all others have run. */
  readonly joins: readonly { readonly from: readonly string[]; readonly to: string }[];
  readonly interruptBefore: readonly string[];
  readonly interruptAfter: readonly string[];
}

export type Durability = "sync" | "async" | "exit";

export interface Update {
  readonly asNode?: string;
  readonly channels: readonly string[];
}

/** What a user of a graph does. `back` counts checkpoints of the root graph from the latest. */
export type Operation = {
  readonly durability: Durability;
  /** Nodes that fail while this lasts. */
  readonly broken: readonly string[];
} & (
  | { readonly kind: "invoke"; readonly channels: readonly string[] }
  | { readonly kind: "continue" }
  /** Answers what was asked: all by their ids, the first by its id, or whoever comes first. */
  | { readonly kind: "answer"; readonly how: "all" | "first" | "plain" }
  | {
      readonly kind: "command";
      readonly goto: readonly string[];
      readonly channels: readonly string[];
    }
  | { readonly kind: "update"; readonly back: number; readonly update: Update }
  | {
      readonly kind: "bulk-update";
      readonly back: number;
      readonly supersteps: readonly (readonly Update[])[];
    }
  | {
      readonly kind: "fork";
      readonly back: number;
      readonly how: "continue" | "invoke" | "answer" | "command";
      readonly channels: readonly string[];
    }
  | { readonly kind: "copy"; readonly back: number; readonly update: Update | undefined }
  /** Ends the run without running what is next. */
  | { readonly kind: "end" }
  | { readonly kind: "update-as-input"; readonly channels: readonly string[] }
  /** Changes the state of the first subgraph that is interrupted. */
  | { readonly kind: "update-subgraph" }
);

/** A graph, and what is done with one thread of it; all of it plain data. */
export interface Program {
  readonly seed: number;
  readonly root: GraphSpec;
  readonly operations: readonly Operation[];
}

export function* listGraphs(graph: GraphSpec): Generator<GraphSpec> {
  yield graph;
  for (const { subgraph } of graph.nodes) {
    if (subgraph !== undefined) yield* listGraphs(subgraph.graph);
  }
}

/** All channels of a program, by kind. */
export function listKinds({ root }: Program): Set<ChannelKind> {
  return new Set(
    Array.from(listGraphs(root)).flatMap(({ channels }) => channels.map((c) => c.kind)),
  );
}
