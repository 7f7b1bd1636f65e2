import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import type { ModelProfile } from "@langchain/core/language_models/profile";
import type { ChatOpenAIFields } from "@langchain/openai";
import type { Pricing } from "../cost/pricing.ts";

/** Requests and tokens per minute a candidate may use. */
export interface RateLimitOptions {
  /** Requests per minute; default: no limit. */
  readonly requestsPerMinute?: number | undefined;
  /** Input and output tokens per minute, the output as estimated beforehand; default: no limit. */
  readonly tokensPerMinute?: number | undefined;
}

/** One model of the chain with its own settings. */
export interface CandidateOptions {
  /** Model name at an OpenAI-compatible endpoint, or any LangChain chat model. */
  readonly model: string | BaseChatModel;
  /** How events, costs and errors call it; default: the model's name. */
  readonly name?: string | undefined;
  /** Default: the option `baseURL` of the whole. Not for a LangChain model. */
  readonly baseURL?: string | undefined;
  /** Default: the option `apiKey` of the whole. Not for a LangChain model. */
  readonly apiKey?: string | undefined;
  /**
   * Who makes the model: after a content filter only a candidate of another provider is tried.
   * Default: guessed from the model's name, else the host.
   */
  readonly provider?: string | undefined;
  /**
   * What the model costs; `"free"` for one on a server of your own. What a provider says an answer cost
   * wins over it.
   *
   * @default the tables of `@pydantic/genai-prices`, by `baseURL` and the model's name; a model that
   * they do not know has an unknown price
   */
  readonly pricing?: Pricing | "free" | undefined;
  /** Tokens that fit into the prompt; default: what LangChain's profile of the model says. */
  readonly contextWindowTokens?: number | undefined;
  /**
   * Longest answer in tokens. It is sent along for models given by name. Budgets reserve it for each
   * answer, so that they are never overshot.
   *
   * @default not sent; budgets reserve what the model's recent answers took, at first up to 4,096
   */
  readonly maxOutputTokens?: number | undefined;
  /** What the model can do, where LangChain's own profile of it is missing or wrong. */
  readonly profile?: ModelProfile | undefined;
  readonly rateLimit?: RateLimitOptions | undefined;
  /** Further fields of `ChatOpenAI` for a model given by name, for instance `temperature`. */
  readonly fields?: Omit<ChatOpenAIFields, "model" | "apiKey" | "maxRetries"> | undefined;
}

/** A model of the chain: a name, a LangChain chat model, or either with settings. */
export type ModelOption = string | BaseChatModel | CandidateOptions;
