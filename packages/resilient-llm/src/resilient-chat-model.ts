import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager";
import type {
  BaseLanguageModelInput,
  StructuredOutputMethodOptions,
} from "@langchain/core/language_models/base";
import {
  BaseChatModel,
  type BaseChatModelCallOptions,
  type BindToolsInput,
  type LangSmithParams,
} from "@langchain/core/language_models/chat_models";
import type { ChatModelStreamEvent } from "@langchain/core/language_models/event";
import type { ModelProfile } from "@langchain/core/language_models/profile";
import type { AIMessageChunk, BaseMessage } from "@langchain/core/messages";
import type { ChatGenerationChunk, ChatResult } from "@langchain/core/outputs";
import type { IterableReadableStream } from "@langchain/core/utils/stream";
import {
  mergeConfigs,
  type Runnable,
  type RunnableConfig,
  type RunnableRetry,
} from "@langchain/core/runnables";
import type { SerializableSchema } from "@langchain/core/utils/standard_schema";
import type { InteropZodType } from "@langchain/core/utils/types";
import { convertRestartableChunks } from "./answer/restartable-events.ts";
import { runJournaledGenerate, runJournaledStream } from "./answer/run-journaled.ts";
import { createStopReason } from "./answer/stop-reason.ts";
import type { CallRequest } from "./call/call-request.ts";
import { ConcurrencyLimit } from "./call/concurrency-limit.ts";
import { HedgeQuota } from "./call/hedge-quota.ts";
import type { AnswerCheck } from "./attempt/answer-check.ts";
import { LedgerTab } from "./call/ledger-tab.ts";
import { SharedLedger } from "./call/shared-ledger.ts";
import type { SharedState } from "./call/shared-state.ts";
import { combineProfiles } from "./candidate/combine-profiles.ts";
import { createCandidates, groupByModel } from "./candidate/create-candidates.ts";
import { describeModel, describeTools } from "./candidate/describe-candidate.ts";
import { convertToChunk } from "./candidate/inner-model.ts";
import { BudgetBook, type BudgetOptions, type Spender } from "./cost/budget-book.ts";
import { CostTracker } from "./cost/cost-tracker.ts";
import { NOBODY, readSpender } from "./cost/read-spender.ts";
import { stopAtFinalErrors } from "./errors/stop-at-final-errors.ts";
import {
  checkCallOptions,
  checkListener,
  checkStructuredOutput,
  checkTools,
} from "./options/check-call-options.ts";
import type { JournalOptions } from "./options/journal-options.ts";
import type { ResilientChatModelOptions } from "./options/resilient-chat-model-options.ts";
import { type ResolvedOptions, resolveOptions } from "./options/resolve-options.ts";
import { type CallAddress, type NamedTask, readCallAddress } from "./journal/call-address.ts";
import type { CallJournal } from "./journal/call-journal.ts";
import { omitRunOptions } from "./journal/hash-request.ts";
import { readReplaying } from "./journal/replaying.ts";
import { createStructuredOutput } from "./structured-output.ts";
import { EventHub, type ResilienceListener } from "./events/events.ts";

/** Options of one call. Those not listed here go to the models as they are. */
export interface ResilientCallOptions extends BaseChatModelCallOptions {
  /**
   * Tools of any kind that LangChain knows. Every candidate gets them in its own format.
   *
   * @default []
   */
  tools?: BindToolsInput[];

  /**
   * The shape of the answer, in OpenAI's terms.
   *
   * @default undefined: text
   */
  response_format?: Record<string, unknown>;

  /**
   * Whether the provider holds tool arguments to their schema, if it can.
   *
   * @default the provider's
   */
  strict?: boolean;

  /**
   * Whether the model may call several tools at a time, if it can.
   *
   * @default the provider's
   */
  parallel_tool_calls?: boolean;

  /**
   * What the model's journal is to do with this call. `"off"`: nothing. A task's name: outside of LangGraph, the
   * same name and the same prompt in one thread (`configurable.thread_id`) get one answer.
   *
   * @default LangGraph's config names the task; outside of a graph, nothing is journaled
   */
  journal?: "off" | NamedTask;
}

// `any`, as in LangChain's own signature: the output is inferred from the schema.
/* oxlint-disable typescript/no-explicit-any */
/**
 * The shape of an answer: a zod schema, a schema of another library that implements Standard Schema and
 * Standard JSON Schema, a JSON schema, or a whole OpenAI function definition.
 */
export type OutputSchema<RunOutput extends Record<string, any>> =
  | InteropZodType<RunOutput>
  | SerializableSchema<RunOutput>
  | Record<string, any>;
/* oxlint-enable typescript/no-explicit-any */

type RetryFields = Parameters<Runnable["withRetry"]>[0];

function stopRetriesAtFinalErrors(fields: RetryFields): RetryFields {
  return { ...fields, onFailedAttempt: stopAtFinalErrors(fields?.onFailedAttempt) };
}

function createBudgets(
  { budget, clock }: Pick<ResolvedOptions, "budget" | "clock">,
  events: EventHub,
): BudgetBook {
  return new BudgetBook(budget, clock, (notice) =>
    events.emit({ type: "budget-reached", ...notice }),
  );
}

/** Key of the spender among the call options, where models and traces do not see it. */
const SPENDER: unique symbol = Symbol("threadkeep.spender");

/** Key of the task that asks, likewise. */
const ADDRESS: unique symbol = Symbol("threadkeep.call-address");

interface InternalState {
  readonly shared: SharedState;
  readonly defaults: Partial<ResilientCallOptions> & RunnableConfig;
  /** What answers have to be. */
  readonly check?: AnswerCheck | undefined;
}

/**
 * A chain of models behind one LangChain chat model, with retry, time limits, fallback, circuit
 * breakers, budgets and costs. Use it wherever a chat model is expected.
 *
 * Its calls throw a {@link ModelCallError} that lists every attempt if no candidate answers, a
 * {@link BudgetExceededError} before a budget is overspent, and the reason of the caller's signal as
 * soon as that aborts.
 *
 * @example
 * ```ts
 * const model = new ResilientChatModel({
 *   models: ["deepseek-v3.2", "gpt-4.1"],
 *   baseURL: process.env.OPENAI_BASE_URL,
 *   budget: { maxCostUsd: 5 },
 * });
 * const answer = await model.invoke("Why is the sky blue?");
 * console.log(answer.text, model.costs.snapshot().costUsd);
 * ```
 */
export class ResilientChatModel extends BaseChatModel<ResilientCallOptions> {
  // Not `#private`: a proxy around the model must reach these too.
  private readonly givenOptions: ResilientChatModelOptions;
  private readonly shared: SharedState;
  private readonly defaults: InternalState["defaults"];
  private readonly hasDefaults: boolean;
  private readonly check: AnswerCheck | undefined;

  /**
   * A derived model, which shares state with another one.
   *
   * @internal
   */
  constructor(options: ResilientChatModelOptions, internal: InternalState);
  /** @throws InvalidOptionsError if options are missing, unknown or of no use */
  constructor(options: ResilientChatModelOptions);
  constructor(options: ResilientChatModelOptions, internal?: InternalState) {
    const resolved = internal?.shared.options ?? resolveOptions(options);
    super(options);
    this.givenOptions = options;
    this.disableStreaming = options.disableStreaming ?? false;
    this.defaults = internal?.defaults ?? {};
    this.check = internal?.check;
    this.hasDefaults = Object.keys(this.defaults).length > 0;
    if (internal) {
      this.shared = internal.shared;
      return;
    }
    const events = new EventHub();
    if (resolved.onEvent) events.subscribe(resolved.onEvent);
    const candidates = createCandidates(resolved, events);
    this.shared = {
      candidates,
      models: groupByModel(candidates),
      options: resolved,
      costs: new CostTracker(),
      budgets: createBudgets(resolved, events),
      ledger: resolved.ledger && new SharedLedger(resolved.ledger, events),
      events,
      concurrency: new ConcurrencyLimit(resolved.maxConcurrency),
      hedgeQuota: resolved.hedge && new HedgeQuota(resolved.hedge.maxRatio),
    };
  }

  /** The name under which LangChain serializes it. */
  static override lc_name(): string {
    return "ResilientChatModel";
  }

  /** The type by which LangChain tells kinds of models apart. */
  override _llmType(): string {
    return "resilient";
  }

  /** Tokens and USD of all calls, by model, thread and run. Derived models share it. */
  get costs(): CostTracker {
    return this.shared.costs;
  }

  /** The capabilities that all models of the chain have, and the smallest of their windows. */
  override get profile(): ModelProfile {
    return combineProfiles(
      this.shared.candidates.map(({ profile, contextWindowTokens }) =>
        contextWindowTokens === undefined
          ? profile
          : { ...profile, maxInputTokens: contextWindowTokens },
      ),
    );
  }

  /** Names of the models in the order of the chain. */
  get models(): readonly string[] {
    return this.shared.models.flatMap(([first]) => (first ? [first.model] : []));
  }

  /**
   * Calls `listener` for every event from now on. The returned function ends the subscription.
   *
   * @throws InvalidOptionsError if the listener is no function
   */
  subscribe(listener: ResilienceListener): () => void {
    checkListener(listener);
    return this.shared.events.subscribe(listener);
  }

  /** How traces name the model: as the first one of the chain. */
  override getLsParams(options: this["ParsedCallOptions"]): LangSmithParams {
    const first = this.shared.candidates[0];
    return {
      ls_model_type: "chat",
      ls_provider: first?.provider ?? "resilient",
      ls_model_name: first?.endpoint.model ?? "",
      ...(options.stop ? { ls_stop: options.stop } : {}),
    };
  }

  /** What traces show of a call: the models with what shapes their answers, and the call's options. */
  override invocationParams(options?: this["ParsedCallOptions"]): Record<string, unknown> {
    const { tools, tool_choice, response_format, stop } = (options ?? {}) as ResilientCallOptions;
    return {
      ...this._identifyingParams(),
      tools: tools && describeTools(tools),
      tool_choice,
      response_format,
      stop,
    };
  }

  /** What LangChain's cache tells models apart by. It holds no keys. */
  override _identifyingParams(): Record<string, unknown> {
    return {
      models: this.shared.models.map((endpoints) => describeModel(endpoints)),
      maxPromptTokens: this.shared.options.context.maxPromptTokens,
    };
  }

  /**
   * The key under which LangChain's cache keeps answers. As JSON, tools are alike whatever they do. A signal
   * shapes no answer, and neither does what LangGraph says of the run.
   */
  override _getSerializedCacheKeyParametersForCall({
    tools,
    ...options
  }: ResilientCallOptions & { config?: RunnableConfig }): string {
    return super._getSerializedCacheKeyParametersForCall({
      ...omitRunOptions(options),
      tools: tools && describeTools(tools),
    } as ResilientCallOptions);
  }

  /**
   * A model with these call options bound. It shares breakers, costs and budgets with this one.
   *
   * @throws InvalidOptionsError if a call option cannot be used
   */
  override withConfig(config: Partial<ResilientCallOptions> & RunnableConfig): ResilientChatModel {
    checkCallOptions("ResilientChatModel.withConfig", config);
    return this.derive(config, this.check);
  }

  private derive(
    config: Partial<ResilientCallOptions> & RunnableConfig,
    check: AnswerCheck | undefined,
  ): ResilientChatModel {
    return new ResilientChatModel(this.givenOptions, {
      shared: this.shared,
      defaults: mergeConfigs(this.defaults, config) as InternalState["defaults"],
      check,
    });
  }

  /**
   * A model that shares everything with this one except budgets. Its own are unspent.
   *
   * @throws InvalidOptionsError if a limit cannot be used
   */
  withBudget(budget: BudgetOptions): ResilientChatModel {
    const options = resolveOptions({ ...this.givenOptions, budget });
    return new ResilientChatModel(this.givenOptions, {
      shared: {
        ...this.shared,
        options: { ...this.shared.options, budget: options.budget },
        budgets: createBudgets(options, this.shared.events),
      },
      defaults: this.defaults,
      check: this.check,
    });
  }

  /**
   * A model that shares everything with this one except the journal: its calls are kept in this one.
   *
   * @throws InvalidOptionsError if the journal cannot be used
   */
  withJournal(journal: CallJournal | JournalOptions): ResilientChatModel {
    const options = resolveOptions({ ...this.givenOptions, journal });
    return new ResilientChatModel(this.givenOptions, {
      shared: { ...this.shared, options: { ...this.shared.options, journal: options.journal } },
      defaults: this.defaults,
      check: this.check,
    });
  }

  /**
   * A model that may call these tools. Every candidate gets them in its own format.
   *
   * @throws InvalidOptionsError if `tools` is no array of tools
   */
  override bindTools(
    tools: BindToolsInput[],
    kwargs?: Partial<ResilientCallOptions>,
  ): Runnable<BaseLanguageModelInput, AIMessageChunk, ResilientCallOptions> {
    checkTools(tools);
    return this.withConfig({ ...kwargs, tools });
  }

  /* oxlint-disable typescript/no-explicit-any */
  /**
   * A runnable that answers in the shape of `outputSchema`. Without a method it uses `jsonSchema` if
   * every model of the chain is known to support that, else `functionCalling`.
   *
   * An answer that does not fit is an attempt that failed: the model is asked again and told what was
   * wrong, then the next one. If none fits, a {@link StructuredOutputError} is thrown. So it is with a
   * stream: each value takes the place of the one before, and the last one fits.
   *
   * @throws InvalidOptionsError if the schema or an option cannot be used
   */
  override withStructuredOutput<RunOutput extends Record<string, any> = Record<string, any>>(
    outputSchema: OutputSchema<RunOutput>,
    config?: StructuredOutputMethodOptions,
  ): Runnable<BaseLanguageModelInput, RunOutput>;
  /**
   * With `includeRaw`, the model's message comes beside the parsed answer. If no answer fits, it is the
   * last one. A stream is not asked for again: pieces of the message have been handed out.
   *
   * @throws InvalidOptionsError if the schema or an option cannot be used
   */
  override withStructuredOutput<RunOutput extends Record<string, any> = Record<string, any>>(
    outputSchema: OutputSchema<RunOutput>,
    config?: StructuredOutputMethodOptions<true>,
  ): Runnable<
    BaseLanguageModelInput,
    {
      /** The model's message. */
      raw: BaseMessage;
      /** The answer, or `null` if it does not fit the schema. */
      parsed: RunOutput;
    }
  >;
  override withStructuredOutput(
    outputSchema: OutputSchema<Record<string, any>>,
    config?: StructuredOutputMethodOptions<boolean>,
  ): Runnable<BaseLanguageModelInput, never> {
    /* oxlint-enable typescript/no-explicit-any */
    checkStructuredOutput(outputSchema, config);
    const pipeline = createStructuredOutput(
      (options, check) => this.derive({ ...options, outputVersion: "v0" }, check),
      outputSchema,
      config,
      this.profile.structuredOutput === true ? "jsonSchema" : "functionCalling",
    );
    const withRetry = pipeline.withRetry.bind(pipeline);
    pipeline.withRetry = (fields) => withRetry(stopRetriesAtFinalErrors(fields));
    return pipeline as Runnable<BaseLanguageModelInput, never>;
  }

  /**
   * As in LangChain, except that final errors of this package are not retried: the model has made
   * every attempt that made sense. So there is no need for it here, and it does no harm.
   */
  override withRetry(
    fields?: Parameters<Runnable["withRetry"]>[0],
  ): RunnableRetry<BaseLanguageModelInput, AIMessageChunk, ResilientCallOptions> {
    return super.withRetry(stopRetriesAtFinalErrors(fields));
  }

  /**
   * As in LangChain. If the consumer stops reading, the request to the provider is aborted at once.
   * LangChain alone would first wait for the next chunk, however long that takes.
   */
  override async stream(
    input: BaseLanguageModelInput,
    options?: Partial<ResilientCallOptions>,
  ): Promise<IterableReadableStream<AIMessageChunk>> {
    checkCallOptions("a call of ResilientChatModel", options);
    const controller = new AbortController();
    const signal = options?.signal
      ? AbortSignal.any([options.signal, controller.signal])
      : controller.signal;
    const stream = await super.stream(input, { ...options, signal });
    const stop = () => controller.abort(createStopReason());
    const cancel = stream.cancel.bind(stream);
    const finish = stream.return.bind(stream);
    stream.cancel = (reason) => {
      stop();
      return cancel(reason);
    };
    stream.return = () => {
      stop();
      return finish();
    };
    return stream;
  }

  /** Every way of calling the model passes through here, so bound options are added here. */
  protected override _separateRunnableConfigFromCallOptionsCompat(
    options?: Partial<ResilientCallOptions>,
  ): [RunnableConfig, this["ParsedCallOptions"]] {
    const merged = this.hasDefaults
      ? (mergeConfigs(this.defaults, options as RunnableConfig) as Partial<ResilientCallOptions>)
      : options;
    checkCallOptions("a call of ResilientChatModel", merged);
    const [runnableConfig, callOptions] = super._separateRunnableConfigFromCallOptionsCompat(
      merged,
    );
    const spender = readSpender(runnableConfig);
    if (spender !== NOBODY) {
      // The object was made for this call. Another copy of it would only cost time.
      Object.assign(callOptions, { [SPENDER]: spender });
    }
    this.addressCall(runnableConfig, callOptions);
    return [runnableConfig, callOptions];
  }

  /** Notes which task asks, if the model has a journal and the call is to be in it. */
  private addressCall(config: RunnableConfig, callOptions: this["ParsedCallOptions"]): void {
    const { journal } = callOptions as ResilientCallOptions;
    // It is about this model, and no other one would know it.
    if (journal !== undefined) delete (callOptions as ResilientCallOptions).journal;
    // A replay has to know each call, also those that are not journaled: it must not let them ask.
    const isKnown = this.shared.options.journal ?? readReplaying();
    if (!isKnown || journal === "off") return;
    const address = readCallAddress(config, journal);
    if (address) Object.assign(callOptions, { [ADDRESS]: address });
  }

  /** Gets a whole answer. LangChain calls it. */
  override async _generate(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
  ): Promise<ChatResult> {
    const release = await this.shared.concurrency.acquire(options.signal);
    try {
      return await runJournaledGenerate(this.shared, this.createRequest(messages, options, false));
    } finally {
      release();
    }
  }

  /** Gets a streamed answer. LangChain calls it. */
  override async *_streamResponseChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    runManager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for await (const chunk of this.streamChunks(messages, options)) {
      yield chunk;
      const index = { prompt: 0, completion: 0 };
      await runManager?.handleLLMNewToken(chunk.text, index, undefined, undefined, undefined, {
        chunk,
      });
    }
  }

  /** Gets a streamed answer as content-block events. LangChain calls it. */
  override async *_streamChatModelEvents(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
  ): AsyncGenerator<ChatModelStreamEvent> {
    const chunks = this.streamChunks(messages, options);
    try {
      yield* convertRestartableChunks(chunks);
    } finally {
      await chunks.return(undefined);
    }
  }

  private async *streamChunks(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
  ): AsyncGenerator<ChatGenerationChunk, undefined> {
    if (this.disableStreaming) {
      const { generations } = await this._generate(messages, options);
      yield* generations.map((generation) => convertToChunk(generation));
      return undefined;
    }
    const release = await this.shared.concurrency.acquire(options.signal);
    try {
      yield* runJournaledStream(this.shared, this.createRequest(messages, options, true));
    } finally {
      release();
    }
    return undefined;
  }

  private createRequest(
    messages: BaseMessage[],
    options: this["ParsedCallOptions"],
    streaming: boolean,
  ): CallRequest {
    const {
      signal,
      [ADDRESS]: address,
      [SPENDER]: spender,
    } = options as ResilientCallOptions & { [ADDRESS]?: CallAddress; [SPENDER]?: Spender };
    const { ledger } = this.shared;
    return {
      messages,
      options,
      signal,
      spender: spender ?? NOBODY,
      tab: ledger && new LedgerTab(ledger, spender ?? NOBODY),
      streaming,
      check: this.check,
      address,
    };
  }
}
