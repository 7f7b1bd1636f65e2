import type { BaseChatModel, BindToolsInput } from "@langchain/core/language_models/chat_models";
import { AIMessageChunk, type AIMessage, type BaseMessage } from "@langchain/core/messages";
import { ChatGenerationChunk, type ChatGeneration, type ChatResult } from "@langchain/core/outputs";
import { RunnableBinding } from "@langchain/core/runnables";
import type { ChatOpenAI, ChatOpenAIFields } from "@langchain/openai";
import { DirectCaller } from "./direct-caller.ts";
import { adaptFetch } from "../wire/adapt-fetch.ts";
import { createBackgroundFetch } from "../wire/background-response.ts";
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

/** Options that belong to the run of the outer model and must not start a second run inside. */
const RUN_OPTIONS = new Set([
  "callbacks",
  "runId",
  "runName",
  "tags",
  "metadata",
  "configurable",
  "recursionLimit",
]);

type Fetch = typeof globalThis.fetch;

/** Changes how requests reach the network. `undefined` stands for the language's own `fetch`. */
export type WrapFetch = (fetch: Fetch | undefined) => Fetch | undefined;

/** Options of a call that a model does not get as they are. It has a signal and tools of its own. */
const OUTER_OPTIONS = new Set([...RUN_OPTIONS, "promptIndex", "signal", "tools"]);

/**
 * Adds the options of `source` to `target`, without the unwanted ones. They are not deleted
 * afterwards, because that would make the object slow to read.
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
  /** Whether `watchChatOpenAI` made the model. If not, only what the model reports is known. */
  readonly isWatched: boolean;
  /** Whether answers can be streamed: the model does it, and nobody has switched it off. */
  readonly canStream: boolean;
  readonly #base: Bound;
  readonly #boundTools = new WeakMap<object, Bound>();

  constructor(model: BaseChatModel, isWatched: boolean) {
    const bound = unwrapBinding(model);
    this.#base = { model: bound.model, options: addOptions({}, bound.options, RUN_OPTIONS) };
    this.chatModel = bound.model;
    this.isWatched = isWatched;
    this.canStream = implementsStreaming(this.chatModel);
  }

  /** Options that were bound to the model, by `bind` or `withConfig`. */
  get boundOptions(): CallOptions {
    return this.#base.options;
  }

  /** Whether a request offers tools, or may do so: of a model that is not watched, nobody knows. */
  offersTools(options: CallOptions): boolean {
    const { modelKwargs } = this.chatModel as { readonly modelKwargs?: CallOptions };
    const isOffered = [options, this.#base.options, modelKwargs ?? {}].some(
      ({ functions, tools }) =>
        functions !== undefined || (Array.isArray(tools) && tools.length > 0),
    );
    return isOffered || !this.isWatched;
  }

  /**
   * Asks for a whole answer.
   *
   * @throws what the model throws, synchronously too, if the options do not fit it.
   */
  generate(messages: BaseMessage[], options: CallOptions, watch: WireWatch): Promise<ChatResult> {
    const { model, callOptions } = this.#prepare(options, watch);
    return model._generate(messages, callOptions);
  }

  /** Asks for a streamed answer. A model that cannot stream gives it in one chunk. */
  async *stream(
    messages: BaseMessage[],
    options: CallOptions,
    watch: WireWatch,
  ): AsyncGenerator<ChatGenerationChunk> {
    const { model, callOptions } = this.#prepare(options, watch);
    if (this.canStream) {
      yield* model._streamResponseChunks(messages, callOptions);
      return;
    }
    const result = await model._generate(messages, callOptions);
    for (const generation of result.generations) yield convertToChunk(generation);
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
    const merged = addOptions({ ...bound.options }, options, OUTER_OPTIONS);
    // Retries have one owner: whatever the caller asks for, an attempt is one request.
    merged["maxRetries"] = 0;
    if (this.isWatched) {
      // Options of a request that the call brings, a dispatcher for instance, stay.
      const request = options["options"] as { readonly fetchOptions?: object } | undefined;
      const fetchOptions = { ...request?.fetchOptions, [wireWatchKey]: watch };
      merged["fetchOptions"] = fetchOptions;
      merged["options"] = { ...request, fetchOptions };
    } else {
      merged["signal"] = watch.signal;
    }
    return { model: bound.model, callOptions: merged };
  }

  /** Tools in this model's own format, converted once per array of tools. */
  #bindTools(tools: BindToolsInput[], options: CallOptions): Bound {
    const known = this.#boundTools.get(tools);
    if (known) return known;
    if (!this.chatModel.bindTools) {
      throw new TypeError(`${this.chatModel.getName()} has no bindTools: it cannot be given tools`);
    }
    const kwargs: object = options["strict"] === undefined ? {} : { strict: options["strict"] };
    const tooled = unwrapBinding(this.chatModel.bindTools(tools, kwargs));
    const bound = {
      // ChatOpenAI binds to a copy of itself that has a client of its own and is not watched.
      model: this.isWatched ? this.chatModel : tooled.model,
      options: addOptions({ ...this.#base.options }, tooled.options, RUN_OPTIONS),
    };
    this.#boundTools.set(tools, bound);
    return bound;
  }
}

/** A whole answer as the only chunk of a stream. */
export function convertToChunk({
  text,
  message,
  generationInfo,
}: ChatGeneration): ChatGenerationChunk {
  const { tool_calls: calls = [], usage_metadata: usage } = message as AIMessage;
  const whole = new AIMessageChunk({
    content: message.content,
    additional_kwargs: message.additional_kwargs,
    response_metadata: message.response_metadata,
    // A message that is joined with other chunks keeps only its tool call chunks.
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

/** The base class has a `_streamResponseChunks` that throws. Only an overridden one streams. */
function implementsStreaming(model: BaseChatModel): boolean {
  let prototype: object | null = model;
  while (prototype && !Object.hasOwn(prototype, "_streamResponseChunks")) {
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  const owner = prototype?.constructor.name;
  return owner !== "BaseChatModel" && !model.disableStreaming;
}

/** Whether a model is a ChatOpenAI itself, not a subclass. It may be of another copy of its package. */
export function isPlainChatOpenAI(model: BaseChatModel): model is ChatOpenAI {
  return model.constructor.name === "ChatOpenAI" && "fields" in model && "completions" in model;
}

/**
 * A copy of a ChatOpenAI that makes one request per call. Its HTTP exchanges are watched. The original
 * stays as it is.
 *
 * @param wrapFetch Stands between the watch and the network.
 */
export function watchChatOpenAI(model: ChatOpenAI, wrapFetch: WrapFetch): ChatOpenAI {
  const { fields, defaultOptions } = model as unknown as {
    fields?: ChatOpenAIFields;
    defaultOptions?: CallOptions;
  };
  // With `streaming` set, LangChain would collect the stream by itself, and fetch a tokenizer over the
  // network to count tokens that the provider reports. The watched fetch obeys the setting instead: it
  // asks for streams, and hands on whole answers where those are wanted.
  const { streaming, ...others } = fields ?? {};
  const configuration = fields?.configuration;
  const Constructor = model.constructor as typeof ChatOpenAI;
  const copy = new Constructor({
    ...others,
    disableStreaming: streaming === false || model.disableStreaming,
    maxRetries: 0,
    configuration: {
      ...configuration,
      fetch: createWatchedFetch(
        createBackgroundFetch(wrapFetch(configuration?.fetch && adaptFetch(configuration.fetch))),
        {
          streamsOnly: streaming === true && others.disableStreaming !== true,
          streamUsage: others.streamUsage !== false,
        },
      ),
    },
  });
  // LangChain's caller also has a queue. It is needed only if the user bounds it.
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
  return copy;
}
