import type { RunnableConfig } from "@langchain/core/runnables";
import {
  Command,
  type BaseCheckpointSaver,
  type Interrupt,
  type StateSnapshot,
} from "@langchain/langgraph";
import { buildGraph, type ProgramGraph, type World } from "./build-graph.ts";
import { makeUpdate, type Writing } from "./channels.ts";
import type { Operation, Program, Update } from "./program.ts";

/** More steps than a program's graph needs, but few enough for one that goes round and round. */
const RECURSION_LIMIT = 14;

/** What one operation gave: what it streamed, the config it returned, or how it failed. */
export interface Outcome {
  readonly streamed: readonly StreamedChunk[];
  readonly returned?: RunnableConfig | undefined;
  readonly error?: string | undefined;
}

/** The namespace, the stream's mode and what came. */
export type StreamedChunk = readonly [string[], string, unknown];

/** One run of a program: a graph on a saver, and the thread it works on. */
export class ProgramRun {
  readonly graph: ProgramGraph;
  readonly thread: { readonly thread_id: string };
  private readonly program: Program;
  private readonly saver: BaseCheckpointSaver;
  private readonly world: World = { broken: new Set() };

  constructor(program: Program, saver: BaseCheckpointSaver, threadId: string) {
    this.program = program;
    this.saver = saver;
    this.thread = { thread_id: threadId };
    this.graph = buildGraph(program.root, this.world, saver);
  }

  /** Does an operation. Its failures are part of what is compared. */
  async operate(operation: Operation, index: number): Promise<Outcome> {
    this.world.broken = new Set(operation.broken);
    const streamed: StreamedChunk[] = [];
    try {
      const returned = await this.take(operation, `op${index}`, streamed);
      return { streamed, returned };
    } catch (error) {
      const { name, message } = error as Error;
      return { streamed, error: `${name}: ${message}` };
    } finally {
      this.world.broken = new Set();
    }
  }

  private async take(
    operation: Operation,
    writer: string,
    streamed: StreamedChunk[],
  ): Promise<RunnableConfig | undefined> {
    const { graph, thread } = this;
    const { durability } = operation;
    const latest: RunnableConfig = { configurable: { ...thread } };
    const run = async (input: unknown, from: RunnableConfig = latest) => {
      const options = {
        ...from,
        durability,
        streamMode: ["values", "updates"],
        subgraphs: true,
        recursionLimit: RECURSION_LIMIT,
      };
      for await (const chunk of await graph.stream(input, options)) streamed.push(chunk);
      return undefined;
    };
    const write = (channels: readonly string[], beat = 0) => this.write(channels, { writer, beat });
    switch (operation.kind) {
      case "invoke":
        return run(this.makeInput(operation.channels, writer));
      case "continue":
        return run((await this.isDone()) ? this.makeInput([], writer) : null);
      case "answer":
        return run(
          (await this.isDone())
            ? this.makeInput([], writer)
            : await this.makeAnswer(operation.how, latest, writer),
        );
      case "command":
        return run(new Command({ goto: [...operation.goto], update: write(operation.channels) }));
      case "update": {
        const { channels, asNode } = operation.update;
        return graph.updateState(await this.findOlder(operation.back), write(channels), asNode);
      }
      case "bulk-update": {
        const supersteps = operation.supersteps.map((updates, step) => ({
          updates: updates.map(({ channels, asNode }, index) => ({
            values: write(channels, 10 * step + index),
            ...(asNode !== undefined && { asNode }),
          })),
        }));
        return graph.bulkUpdateState(await this.findOlder(operation.back), supersteps);
      }
      case "fork": {
        const from = await this.findOlder(operation.back);
        switch (operation.how) {
          case "continue":
            return run(null, from);
          case "invoke":
            return run(this.makeInput(operation.channels, writer), from);
          case "answer":
            return run(await this.makeAnswer("all", from, writer), from);
          case "command":
            return run(new Command({ update: write(operation.channels) }), from);
        }
      }
      case "copy": {
        const from = await this.findOlder(operation.back);
        const values = operation.update && this.makeCopyUpdate(operation.update, writer);
        return graph.updateState(from, values ?? null, "__copy__");
      }
      case "end":
        return graph.updateState(latest, null, "__end__");
      case "update-as-input":
        return graph.updateState(latest, this.makeInput(operation.channels, writer), "__input__");
      case "update-subgraph": {
        const state = await graph.getState(latest, { subgraphs: true });
        const inner = state.tasks.find((task) => task.state !== undefined)?.state as
          | StateSnapshot
          | undefined;
        if (inner === undefined) return undefined;
        return graph.updateState(inner.config, { shared: { [writer]: "in a subgraph" } });
      }
    }
  }

  private write(channels: readonly string[], writing: Writing): Record<string, unknown> {
    const specs = this.program.root.channels;
    return { [specs[0]!.name]: [writing.writer], ...makeUpdate(specs, channels, writing) };
  }

  private makeInput(channels: readonly string[], writer: string): Record<string, unknown> {
    return this.write(channels, { writer, beat: 0 });
  }

  private makeCopyUpdate({ asNode, channels }: Update, writer: string): unknown {
    return asNode === undefined ? null : [[this.write(channels, { writer, beat: 0 }), asNode]];
  }

  private async makeAnswer(
    how: "all" | "first" | "plain",
    config: RunnableConfig,
    writer: string,
  ): Promise<unknown> {
    const asked = await this.listInterrupts(config);
    const [first] = asked;
    if (first === undefined) return null;
    const answer = ({ value }: Interrupt) => `${writer} to ${String(value)}`;
    if (how === "plain" && asked.length === 1) return new Command({ resume: answer(first) });
    const answered = how === "first" ? [first] : asked;
    return new Command({
      resume: Object.fromEntries(answered.map((one) => [one.id!, answer(one)])),
    });
  }

  /** Whether nothing is left to go on with. */
  private async isDone(): Promise<boolean> {
    const state = await this.graph.getState({ configurable: { ...this.thread } });
    return state.tasks.length === 0;
  }

  /** What is waiting for an answer. */
  async listInterrupts(config: RunnableConfig): Promise<Interrupt[]> {
    const state = await this.graph.getState(config);
    return state.tasks.flatMap(({ interrupts }) => interrupts);
  }

  /** A checkpoint of the root graph, counted from the latest. */
  private async findOlder(back: number): Promise<RunnableConfig> {
    const configs: RunnableConfig[] = [];
    const options = { configurable: { ...this.thread, checkpoint_ns: "" } };
    for await (const { config } of this.saver.list(options, { limit: back + 1 })) {
      configs.push(config);
    }
    // "back: 0" is the latest by name only where nothing older was asked for.
    return back === 0 ? { configurable: { ...this.thread } } : (configs.at(-1) ?? options);
  }
}
