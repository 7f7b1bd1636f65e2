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
   * Its name in events, costs and errors.
   *
   * @default the model's name
   */
  readonly name?: string | undefined;

  /**
   * The endpoint. Not for a LangChain model, which has its own.
   *
   * @default the option `baseURL` of the whole model
   */
  readonly baseURL?: string | undefined;

  /**
   * The key. Not for a LangChain model, which has its own.
   *
   * @default the option `apiKey` of the whole model
   */
  readonly apiKey?: string | undefined;

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
   * Requests and tokens that it may use in a minute.
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
