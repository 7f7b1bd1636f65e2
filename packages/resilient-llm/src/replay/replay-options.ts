import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { z } from "zod";
import type { CallJournal } from "../journal/call-journal.ts";
import { checkOptions } from "../options/check-options.ts";
import { functionOf, objectWith } from "../options/value-schemas.ts";

/** What LangGraph says of a state. */
export interface GraphState {
  /** The values of the channels. */
  readonly values: unknown;
  /** The nodes that run next. */
  readonly next: readonly string[];
  /** The tasks that run next, with what they wait for. */
  readonly tasks: readonly {
    readonly id: string;
    readonly name: string;
    readonly interrupts: readonly { readonly value?: unknown }[];
  }[];
}

/** What is used of a compiled graph. An agent of `createAgent` holds one as `graph`. */
export interface ReplayableGraph {
  /** Runs it. */
  invoke(input: never, config?: never): Promise<unknown>;
  /** Reads a state. */
  getState(config: RunnableConfig): Promise<GraphState>;
  /** Where its threads are stored. */
  readonly checkpointer?: unknown;
}

/** What answers otherwise than it was recorded. Nothing else is asked for real. */
export interface ReplayChanges {
  /**
   * This chat model answers in the place of the recorded answers, for real.
   *
   * @default undefined
   */
  readonly model?: { invoke(messages: BaseMessage[], options?: never): Promise<BaseMessage> };

  /**
   * Another prompt: a text in the place of the system message, or a function of the messages. It is asked for real,
   * of `model` or else of the graph's own model.
   *
   * @default undefined
   */
  readonly prompt?: string | ((messages: readonly BaseMessage[]) => readonly BaseMessage[]);

  /**
   * Only the calls of these nodes are changed, for example `"write"`, or `"research|search"` for a node of a subgraph.
   *
   * @default all nodes
   */
  readonly nodes?: readonly string[] | undefined;
}

/** Options of {@link replay}. */
export interface ReplayOptions {
  /** The journal that the thread's calls are in. */
  readonly journal: CallJournal;

  /** The graph, or an agent of `createAgent`, as it is now. */
  readonly graph: ReplayableGraph | { readonly graph: ReplayableGraph };

  /**
   * Where the thread is stored.
   *
   * @default the graph's own checkpointer
   */
  readonly checkpointer?: BaseCheckpointSaver | BaseCheckpointSaver<string> | undefined;

  /**
   * What answers otherwise.
   *
   * @default {}: everything is replayed
   */
  readonly with?: ReplayChanges | undefined;

  /**
   * Tools that may run although they are not journaled, or were not called with these arguments. Tools that act once
   * never run.
   *
   * @default []
   */
  readonly runTools?: readonly string[] | undefined;

  /**
   * Channels that are not compared: those with the time of day or random numbers.
   *
   * @default []
   */
  readonly ignoreChannels?: readonly string[] | undefined;

  /**
   * What the nodes find in their config.
   *
   * @default {}
   */
  readonly config?: Pick<RunnableConfig, "configurable"> & { readonly context?: unknown };

  /**
   * Ends the replay.
   *
   * @default undefined
   */
  readonly signal?: AbortSignal | undefined;
}

type Checkpointer = BaseCheckpointSaver;

const graphSchema = objectWith<ReplayableGraph>("invoke", "getState");

const checkpointerSchema = z.strictObject({
  checkpointer: objectWith<Checkpointer>("getTuple", "list"),
});

const schema = z.strictObject({
  threadId: z.string().min(1),
  journal: objectWith<CallJournal & Required<Pick<CallJournal, "readThread">>>("readThread"),
  // An agent has both methods too, but its `graph` is what its nodes run in.
  graph: z.preprocess((given) => {
    const { graph } = (given ?? {}) as { readonly graph?: unknown };
    return graphSchema.safeParse(graph).success ? graph : given;
  }, graphSchema),
  checkpointer: objectWith<Checkpointer>("getTuple", "list").optional(),
  with: z
    .strictObject({
      model: objectWith<NonNullable<ReplayChanges["model"]>>("invoke").optional(),
      prompt: z
        .union([
          z.string().min(1),
          functionOf<Extract<ReplayChanges["prompt"], (...args: never[]) => unknown>>(),
        ])
        .optional(),
      nodes: z.array(z.string().min(1)).min(1).optional(),
    })
    .prefault({}),
  runTools: z.array(z.string()).default([]),
  ignoreChannels: z.array(z.string()).default([]),
  config: z.record(z.string(), z.unknown()).default({}),
  signal: objectWith<AbortSignal>("addEventListener").optional(),
});

/** Options with their defaults. */
export interface ResolvedReplayOptions {
  readonly threadId: string;
  readonly journal: Required<Pick<CallJournal, "readThread">>;
  readonly graph: ReplayableGraph;
  readonly checkpointer: Checkpointer;
  readonly changes: ReplayChanges;
  readonly runTools: ReadonlySet<string>;
  readonly ignoreChannels: ReadonlySet<string>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal | undefined;
}

/**
 * Checks options and fills in the defaults.
 *
 * @throws InvalidOptionsError if any of them is wrong, with all that are
 */
export function resolveReplayOptions(
  threadId: string,
  options: ReplayOptions,
): ResolvedReplayOptions {
  const checked = checkOptions("replay", schema, { ...options, threadId });
  const { checkpointer } = checkOptions("replay", checkpointerSchema, {
    checkpointer: checked.checkpointer ?? checked.graph.checkpointer,
  });
  return {
    threadId,
    journal: checked.journal,
    graph: checked.graph,
    checkpointer,
    changes: checked.with as ReplayChanges,
    runTools: new Set(checked.runTools),
    ignoreChannels: new Set(checked.ignoreChannels),
    config: checked.config,
    signal: checked.signal,
  };
}
