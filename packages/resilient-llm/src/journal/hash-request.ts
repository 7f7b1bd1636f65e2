import type { BaseMessage } from "@langchain/core/messages";
import { hashParts } from "./entry-hash.ts";

/** What is asked. */
export interface AskedRequest {
  /** What tells the models of the chain, and their settings, from others. */
  readonly models: unknown;
  readonly messages: readonly BaseMessage[];
  /** Tools as providers are told of them. */
  readonly tools: unknown;
  /** The options of the call. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** Options of a call that shape no answer: they say where and how long it runs, and who watches. */
const RUN_OPTIONS: ReadonlySet<string> = new Set([
  "callbacks",
  "checkpointDuring",
  "configurable",
  "context",
  "control",
  "durability",
  "executionInfo",
  "heartbeat",
  "interrupt",
  "interruptAfter",
  "interruptBefore",
  "journal",
  "maxConcurrency",
  "maxRetries",
  "metadata",
  "options",
  "outputKeys",
  "promptIndex",
  "recursionLimit",
  "runId",
  "runName",
  "runtime",
  "serverInfo",
  "signal",
  "store",
  "streamMode",
  "tags",
  "timeout",
  "tools",
  "writer",
]);

/** The options of a call that shape its answer. */
export function omitRunOptions(
  options: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !RUN_OPTIONS.has(name)));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The same text for the same value, in whichever order its keys were set. */
function toCanonicalJson(value: unknown): string {
  const sort = (_: string, part: unknown): unknown =>
    typeof part === "object" && part !== null && !Array.isArray(part) && isPlain(part)
      ? Object.fromEntries(
          Object.entries(part).toSorted(([left], [right]) => (left < right ? -1 : 1)),
        )
      : part;
  return JSON.stringify(value, sort) ?? "";
}

/**
 * What a model sees of a message. Ids and what is known of how an answer was got are left out: a message that
 * was replayed is the same message.
 */
function describeMessage(message: BaseMessage): Record<string, unknown> {
  const { additional_kwargs, content, name, response_metadata, type } = message;
  const { resilience: _, ...metadata } = response_metadata;
  const {
    artifact: __,
    status,
    tool_call_id,
    tool_calls,
    invalid_tool_calls,
  } = message as {
    readonly artifact?: unknown;
    readonly status?: unknown;
    readonly tool_call_id?: unknown;
    readonly tool_calls?: unknown;
    readonly invalid_tool_calls?: unknown;
  };
  return {
    type,
    content,
    name,
    additional_kwargs,
    metadata,
    status,
    tool_call_id,
    tool_calls,
    invalid_tool_calls,
  };
}

/** A hash of everything that shapes an answer. */
export function hashRequest({ messages, models, options, tools }: AskedRequest): string {
  return hashParts(
    "request",
    toCanonicalJson(models),
    toCanonicalJson(messages.map((message) => describeMessage(message))),
    toCanonicalJson(tools),
    toCanonicalJson(omitRunOptions(options)),
  );
}

/** A hash of a tool's call: its name, its arguments, and the id that the model gave it. */
export function hashToolCall(toolName: string, input: unknown): string {
  const { args, id } = (input ?? {}) as { readonly args?: unknown; readonly id?: unknown };
  const asked = args === undefined ? input : { args, id };
  return hashParts("tool", toolName, toCanonicalJson(asked));
}
