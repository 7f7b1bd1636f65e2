import type { BaseChatModel, BindToolsInput } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk, type AIMessage, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatGeneration, type ChatResult } from "@langchain/core/outputs";
import { RunnableBinding } from "@langchain/core/runnables";
import type { ChatOpenAI, ChatOpenAIFields } from "@langchain/openai";
import { DirectCaller } from "./direct-caller.ts";
import { createWatchedFetch } from "../wire/watched-fetch.ts";
import { wireWatchKey, type WireWatch } from "../wire/wire-watch.ts";

/** Call options as LangChain hands them to a model: tools, stop, response_format and the like. */
export type CallOptions = Readonly<Record<string, unknown>>;

interface Bound {
  readonly model: BaseChatModel;
  readonly options: CallOptions;
}

/** The chat model under any number of bindings, and the options they bind. */
function unwrapBinding(runnable: unknown): Bound {
  if (RunnableBinding.isRunnableBinding(runnable)) {
    const inner = unwrapBinding(runnable.bound);
    const kwargs = (runnable as { kwargs?: CallOptions }).kwargs;
    return { model: inner.model, options: { ...inner.options, ...runnable.config, ...kwargs } };
  }
  const { defaultOptions } = runnable as { defaultOptions?: CallOptions };
  return { model: runnable as BaseChatModel, options: defaultOptions ?? {} };
}

/** Options that belong to the run of the outer model and mustn't start a second one inside. */
const runOptions = new Set([
  "callbacks",
  "runId",
  "runName",
  "tags",
  "metadata",
  "configurable",
  "recursionLimit",
]);

/** Options of a call that a model doesn't get as they are: signal and tools are its own ones. */
const outerOptions = new Set([...runOptions, "promptIndex", "signal", "tools"]);

/**
 * Adds to `target` what is wanted of `source`. One by one rather than deleted afterwards: that would
 * make the object a slow one for everybody who reads it from here on.
 */
function addOptions(
  target: Record<string, unknown>,
  source: CallOptions,
  unwanted: ReadonlySet<string>,
): Record<string, unknown> {
  for (const key of Object.keys(source)) if (!unwanted.has(key)) target[key] = source[key];
  return target;
}

/**
 * A candidate's chat model, called below the level of runs: `_generate` and `_streamResponseChunks`
 * without callbacks, so that LangChain sees one run per call however many attempts it takes.
 */
export class InnerModel {
  readonly chatModel: BaseChatModel;
  /** The HTTP exchange can be watched; otherwise only what the model reports is known. */
  readonly watched: boolean;
  readonly #base: Bound;
  readonly #boundTools = new WeakMap<object, Bound>();

  constructor(model: BaseChatModel) {
    const bound = unwrapBinding(model);
    this.#base = { model: bound.model, options: addOptions({}, bound.options, runOptions) };
    this.chatModel = bound.model;
    this.watched = watchedModels.has(this.chatModel);
  }

  /** @throws Synchronously too, if the options don't fit the model. */
  generate(messages: BaseMessage[], options: CallOptions, watch: WireWatch): Promise<ChatResult> {
    const { model, callOptions } = this.#prepare(options, watch);
    return model._generate(messages, callOptions);
  }

  async *stream(
    messages: BaseMessage[],
    options: CallOptions,
    watch: WireWatch,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { model, callOptions } = this.#prepare(options, watch);
    if (implementsStreaming(model)) {
      yield* model._streamResponseChunks(messages, callOptions);
      return;
    }
    const result = await model._generate(messages, callOptions);
    for (const generation of result.generations) yield toChunk(generation);
  }

  #prepare(
    options: CallOptions,
    watch: WireWatch,
  ): { readonly model: BaseChatModel; readonly callOptions: BaseChatModel["ParsedCallOptions"] } {
    const { tools } = options;
    const bound =
      Array.isArray(tools) && tools.length > 0
        ? this.#bindTools(tools as BindToolsInput[], options)
        : this.#base;
    const merged = addOptions({ ...bound.options }, options, outerOptions);
    // One owner of retries: whatever is asked for outside, an attempt is one request.
    merged["maxRetries"] = 0;
    if (this.watched) {
      const fetchOptions = { [wireWatchKey]: watch };
      merged["fetchOptions"] = fetchOptions;
      merged["options"] = { ...(options["options"] as object | undefined), fetchOptions };
    } else {
      merged["signal"] = watch.signal;
    }
    return { model: bound.model, callOptions: merged };
  }

  /** Tools in this model's own format; converted once per array of tools. */
  #bindTools(tools: BindToolsInput[], options: CallOptions): Bound {
    const known = this.#boundTools.get(tools);
    if (known) return known;
    if (!this.chatModel.bindTools) {
      throw new TypeError(`${this.chatModel.getName()} has no bindTools and can't be given tools`);
    }
    const kwargs: object = options["strict"] === undefined ? {} : { strict: options["strict"] };
    const tooled = unwrapBinding(this.chatModel.bindTools(tools, kwargs));
    const bound = {
      // ChatOpenAI makes a copy of itself to bind to, with a client of its own: not worth having.
      model: this.watched ? this.chatModel : tooled.model,
      options: addOptions({ ...this.#base.options }, tooled.options, runOptions),
    };
    this.#boundTools.set(tools, bound);
    return bound;
  }
}

const watchedModels = new WeakSet<object>();

/** A whole answer as the only chunk of a stream. */
function toChunk({ text, message, generationInfo }: ChatGeneration): ChatGenerationChunk {
  const { tool_calls: calls = [], usage_metadata: usage } = message as AIMessage;
  const whole = new AIMessageChunk({
    content: message.content,
    additional_kwargs: message.additional_kwargs,
    response_metadata: message.response_metadata,
    // Joined with other chunks, a message keeps its tool calls only in pieces.
    tool_call_chunks: calls.map(({ id = "", name, args }, index) => ({
      type: "tool_call_chunk" as const,
      id,
      name,
      args: JSON.stringify(args),
      index,
    })),
  });
  if (message.id !== undefined) whole.id = message.id;
  if (usage) Object.assign(whole, { usage_metadata: usage });
  const chunk = new ChatGenerationChunk({ text, message: whole });
  if (generationInfo) chunk.generationInfo = generationInfo;
  return chunk;
}

/** The base class has a `_streamResponseChunks` that throws; only an overridden one streams. */
function implementsStreaming(model: BaseChatModel): boolean {
  let prototype: object | null = model;
  while (prototype && !Object.hasOwn(prototype, "_streamResponseChunks")) {
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  const owner = prototype?.constructor.name;
  return owner !== "BaseChatModel" && !model.disableStreaming;
}

/** A ChatOpenAI itself, not a subclass, possibly from another copy of its package. */
export function isPlainChatOpenAI(model: BaseChatModel): model is ChatOpenAI {
  return model.constructor.name === "ChatOpenAI" && "fields" in model && "completions" in model;
}

/**
 * A copy of a ChatOpenAI that makes one request per call and whose HTTP exchanges are watched. The
 * original stays as it is.
 */
export function watchChatOpenAI(model: ChatOpenAI): ChatOpenAI {
  const { fields, defaultOptions } = model as unknown as {
    fields?: ChatOpenAIFields;
    defaultOptions?: CallOptions;
  };
  // Whether to stream is decided per call: with `streaming` set every `invoke` would be a stream, and
  // LangChain would fetch a tokenizer over the network to count what the provider reports.
  const { streaming: _, ...others } = fields ?? {};
  const configuration = fields?.configuration;
  const Constructor = model.constructor as typeof ChatOpenAI;
  const copy = new Constructor({
    ...others,
    maxRetries: 0,
    configuration: {
      ...configuration,
      fetch: createWatchedFetch(configuration?.fetch),
    },
  });
  // LangChain's caller has a queue too, which is needed only if the user bounds it.
  if (others.maxConcurrency === undefined) {
    const { completions, responses } = copy as unknown as Record<
      "completions" | "responses",
      object
    >;
    for (const part of [copy, completions, responses]) {
      Object.assign(part, { caller: new DirectCaller() });
    }
  }
  Object.assign(copy, { defaultOptions: { ...defaultOptions } });
  watchedModels.add(copy);
  return copy;
}
