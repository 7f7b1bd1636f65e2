import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ModelProfile } from "@langchain/core/language_models/profile";
import type { ChatOpenAIFields } from "@langchain/openai";
import type { Pricing } from "../cost/pricing.ts";

/** Requests and tokens that a candidate may use in a minute. */
export interface RateLimitOptions {
  /**
   * Requests per minute.
   *
   * @default undefined: no limit
   */
  readonly requestsPerMinute?: number | undefined;

  /**
   * Input and output tokens per minute. The output is estimated before the request.
   *
   * @default undefined: no limit
   */
  readonly tokensPerMinute?: number | undefined;
}

/** One model of the chain with settings of its own. */
export interface CandidateOptions {
  /** A model's name at an OpenAI-compatible endpoint, or any LangChain chat model. */
  readonly model: string | BaseChatModel;

  /**
   * Its name in events, costs and errors. With `endpoints`, each is named after it:
   * `gpt-4.1@api.openai.com`.
   *
   * @default the model's name
   */
  readonly name?: string | undefined;

  /**
   * The address. Not for a LangChain model, which has its own.
   *
   * @default the option `baseURL` of the whole model
   */
  readonly baseURL?: string | undefined;

  /**
   * The key for `baseURL`. Not for a LangChain model, which has its own.
   *
   * @default the option `apiKey` of the whole model, if `baseURL` is at the same host as the whole model's
   */
  readonly apiKey?: string | undefined;

  /**
   * Where the model is served: several addresses or keys, which share its calls. What an endpoint does
   * not say it takes from here. Not for a LangChain model; each endpoint may be one.
   *
   * @default undefined: one endpoint, at `baseURL` with `apiKey`
   */
  readonly endpoints?: readonly EndpointOptions[] | undefined;

  /**
   * The model's maker. After a content filter, only a candidate of another provider is asked.
   *
   * @default guessed from the model's name, else the endpoint's host
   */
  readonly provider?: string | undefined;

  /**
   * The model's price; `"free"` for one on a server of your own. What a provider says an answer cost
   * wins over it.
   *
   * @default the tables of `@pydantic/genai-prices`, by `baseURL` and the model's name; the price of a
   * model they lack is unknown
   */
  readonly pricing?: Pricing | "free" | undefined;

  /**
   * Tokens that fit into the prompt.
   *
   * @default from LangChain's profile of the model
   */
  readonly contextWindowTokens?: number | undefined;

  /**
   * The longest answer in tokens. It is sent with requests to models given by name. Budgets reserve it
   * for each answer, so that they are never overshot.
   *
   * @default not sent; budgets reserve what the model's recent answers took, at first up to 4,096
   */
  readonly maxOutputTokens?: number | undefined;

  /**
   * Whether the model continues an assistant message at the end of the prompt. Then an answer that broke
   * off is continued by such a message, without the model being asked to. Many providers refuse one, and
   * others answer from the beginning, so set it only where it is known to work.
   *
   * @default false
   */
  readonly acceptsPrefill?: boolean | undefined;

  /**
   * What the model can do, where LangChain's profile of it is missing or wrong.
   *
   * @default LangChain's profile
   */
  readonly profile?: ModelProfile | undefined;

  /**
   * Requests and tokens that it may use in a minute; with `endpoints`, each of them.
   *
   * @default undefined: no limit
   */
  readonly rateLimit?: RateLimitOptions | undefined;

  /**
   * Further fields of `ChatOpenAI`, for example `temperature`. Only for a model given by name.
   *
   * @default {}
   */
  readonly fields?: CandidateFields | undefined;
}

/**
 * One of several endpoints of a model: an address and a key, with breaker, pauses, rate limit, latencies
 * and budget of its own.
 */
export interface EndpointOptions extends Omit<
  CandidateOptions,
  "model" | "name" | "baseURL" | "apiKey" | "endpoints" | "rateLimit" | "fields"
> {
  /**
   * The model's name at this endpoint, a deployment for instance, or a LangChain chat model that asks it.
   *
   * @default the candidate's `model`
   */
  readonly model?: string | BaseChatModel | undefined;

  /**
   * Its name in events, costs and errors, after the candidate's: `gpt-4.1@eu`.
   *
   * @default the host of `baseURL`
   */
  readonly name?: string | undefined;

  /**
   * The address.
   *
   * @default the candidate's `baseURL`
   */
  readonly baseURL?: string | undefined;

  /**
   * The key for this address.
   *
   * @default the candidate's, or else that of the whole model, if it was given for the same host
   */
  readonly apiKey?: string | undefined;

  /**
   * Its share of the model's calls beside the weights of the others, above 0. What endpoints have left of
   * their rate limits counts too, as far as it is known.
   *
   * @default 1
   */
  readonly weight?: number | undefined;

  /**
   * Makes it a canary: the share of the model's calls that it is asked first, above 0 and below 1. It
   * gets no fallback traffic unless nothing else in the chain can be asked. Not together with `weight`.
   *
   * @default undefined: no canary
   */
  readonly canary?: number | undefined;

  /**
   * Requests and tokens that it may use in a minute.
   *
   * @default the candidate's `rateLimit`, counted for this endpoint alone
   */
  readonly rateLimit?: RateLimitOptions | undefined;

  /**
   * Further fields of `ChatOpenAI`. They are added to the candidate's, and so are the headers and the
   * query in `configuration`. Only for a model given by name.
   *
   * @default the candidate's `fields`
   */
  readonly fields?: CandidateFields | undefined;
}

/** The fields of `ChatOpenAI` that no option of {@link CandidateOptions} stands for. */
export type CandidateFields = Omit<
  ChatOpenAIFields,
  | "apiKey"
  | "cache"
  | "callbackManager"
  | "callbacks"
  | "maxRetries"
  | "metadata"
  | "model"
  | "modelName"
  | "onFailedAttempt"
  | "openAIApiKey"
  | "tags"
  | "verbose"
>;

/** A model of the chain: a name, a LangChain chat model, or either of them with settings. */
export type ModelOption = string | BaseChatModel | CandidateOptions;
