import { AIMessage, type BaseMessage, SystemMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { ReplayIncompleteError } from "../errors/replay-incomplete-error.ts";
import type { JournalKey } from "../journal/call-journal.ts";
import { ReplayedAnswer, storeResult } from "../journal/journaled-answer.ts";
import {
  type ReplayedModelCall,
  type Replaying,
  type ReplayTurn,
  runReplaying,
} from "../journal/replaying.ts";
import { nameNode, type RecordedCalls } from "./recorded-calls.ts";
import type { ReplayChanges, ResolvedReplayOptions } from "./replay-options.ts";
import type { ReplayedCall } from "./replay-report.ts";

/** How a call that is missing is described. */
const OTHER_PROMPT =
  "it asks something else than what was recorded: another prompt, model, tool or parameter";
const NOT_RECORDED = "no answer of it is in the journal";

interface ToolBinder {
  bindTools(tools: unknown): {
    invoke(messages: BaseMessage[], options: unknown): Promise<BaseMessage>;
  };
}

/** Answers the calls of one step, and notes what it was asked. */
export class StepReplay implements Replaying {
  readonly calls: ReplayedCall[] = [];
  readonly #recorded: RecordedCalls;
  readonly #options: Pick<ResolvedReplayOptions, "changes" | "runTools" | "signal">;

  constructor(
    recorded: RecordedCalls,
    options: Pick<ResolvedReplayOptions, "changes" | "runTools" | "signal">,
  ) {
    this.#recorded = recorded;
    this.#options = options;
    recorded.beginStep();
  }

  async answerModel({ key, messages, options }: ReplayedModelCall): Promise<ReplayTurn> {
    const node = key ? nameNode(key.namespace) : "a call outside of a task";
    const inPlace = key && this.#recorded.findInPlace(key);
    const recorded = key && this.#recorded.take(key);
    const { model, nodes, prompt } = this.#options.changes;
    const isChanged =
      (model !== undefined || prompt !== undefined) &&
      (nodes === undefined || nodes.includes(node));
    if (!isChanged) {
      if (!recorded) {
        this.refuse("model", node, undefined, inPlace ? OTHER_PROMPT : NOT_RECORDED);
      }
      this.#note("model", node, "replayed");
      return { kind: "answer", json: recorded.json };
    }
    const before = (recorded ?? inPlace)?.json;
    const said =
      before === undefined ? undefined : describeAnswer(new ReplayedAnswer(before).message);
    const tell = (answer: BaseMessage): void => {
      this.#note("model", node, "asked", { before: said, after: describeAnswer(answer) });
    };
    const changed = changePrompt(messages, prompt);
    if (!model) return { kind: "ask", messages: changed, tell };
    const answer = await runReplaying(undefined, () => this.#ask(model, changed, options));
    tell(answer);
    const message = AIMessage.isInstance(answer)
      ? answer
      : new AIMessage({ content: answer.content });
    const result = { generations: [{ text: message.text, message }] };
    return { kind: "answer", json: storeResult(result) ?? "" };
  }

  answerTool(
    toolName: string,
    key: JournalKey | undefined,
    mustActOnce: boolean,
  ): string | undefined {
    const node = key ? nameNode(key.namespace) : "a call outside of a task";
    const recorded = key && this.#recorded.take(key);
    if (recorded) {
      this.#note("tool", node, "replayed", { tool: toolName });
      return recorded.json;
    }
    if (!mustActOnce && this.#options.runTools.has(toolName)) {
      this.#note("tool", node, "ran", { tool: toolName });
      return undefined;
    }
    const advice = mustActOnce ? "it may act once, so it was not run" : "runTools can allow it";
    return this.refuse("tool", node, toolName, `${NOT_RECORDED} with these arguments; ${advice}`);
  }

  /** Notes that a call is missing, and throws. */
  refuse(kind: "model" | "tool", node: string, tool: string | undefined, reason: string): never {
    this.#note(kind, node, "missing", { tool, reason });
    const what = kind === "model" ? `A model call of ${node}` : `The tool ${tool} of ${node}`;
    throw new ReplayIncompleteError(`${what} was not replayed: ${reason}.`);
  }

  /** Models of other kinds and tools that are not journaled would act for real: they are stopped as they begin. */
  createGuard(): RunnableConfig["callbacks"] {
    const readNode = (metadata: Record<string, unknown> | undefined): string => {
      const { checkpoint_ns: own, langgraph_checkpoint_ns: namespace = own } = metadata ?? {};
      return typeof namespace === "string" ? nameNode(namespace) : "a call outside of a task";
    };
    const { runTools } = this.#options;
    const refuse = this.refuse.bind(this);
    return [
      {
        name: "threadkeep_replay",
        awaitHandlers: true,
        raiseError: true,
        handleChatModelStart(
          model: { readonly id?: readonly string[] },
          _messages: unknown,
          _runId: string,
          _parent?: string,
          _extra?: unknown,
          _tags?: unknown,
          metadata?: Record<string, unknown>,
        ): void {
          if (model.id?.at(-1) === "ResilientChatModel") return;
          refuse(
            "model",
            readNode(metadata),
            undefined,
            `it asks ${model.id?.at(-1) ?? "a model"}, which no journal records; a ResilientChatModel around it can be replayed`,
          );
        },
        handleToolStart(
          _tool: unknown,
          _input: string,
          _runId: string,
          _parent?: string,
          _tags?: unknown,
          metadata?: Record<string, unknown>,
          runName?: string,
        ): void {
          const toolName = runName ?? "without a name";
          if (runTools.has(toolName)) return;
          const reason = "it is not journaled, so it would act for real; runTools can allow it";
          refuse("tool", readNode(metadata), toolName, reason);
        },
      },
    ] as RunnableConfig["callbacks"];
  }

  async #ask(
    model: NonNullable<ReplayChanges["model"]>,
    messages: BaseMessage[],
    { tools, ...options }: Readonly<Record<string, unknown>>,
  ): Promise<BaseMessage> {
    const { signal } = this.#options;
    const call = { ...options, callbacks: [], ...(signal ? { signal } : {}) };
    const { bindTools } = model as Partial<ToolBinder>;
    const hasTools = Array.isArray(tools) && tools.length > 0;
    const asked = hasTools && bindTools ? bindTools.call(model, tools) : model;
    return await asked.invoke(messages, call as never);
  }

  #note(
    kind: ReplayedCall["kind"],
    node: string,
    outcome: ReplayedCall["outcome"],
    more: Partial<ReplayedCall> = {},
  ): void {
    const nothing = { tool: undefined, before: undefined, after: undefined, reason: undefined };
    this.calls.push({ ...nothing, ...more, kind, node, outcome });
  }
}

/** The text of an answer and the tools that it calls. */
function describeAnswer(message: BaseMessage): string {
  const { tool_calls: calls } = message as AIMessage;
  const asked = (calls ?? []).map(({ args, name }) => `${name}(${JSON.stringify(args)})`);
  return [message.text, ...asked].filter((part) => part !== "").join(" ");
}

function changePrompt(
  messages: readonly BaseMessage[],
  prompt: ReplayChanges["prompt"],
): BaseMessage[] {
  if (prompt === undefined) return [...messages];
  if (typeof prompt === "function") return [...prompt(messages)];
  const rest = messages.filter(({ type }) => type !== "system");
  return [new SystemMessage(prompt), ...rest];
}
