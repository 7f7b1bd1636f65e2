import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { ChatOpenAI } from "@langchain/openai";

/** A chat model that can be given tools. */
export type ToolCallingModel = BaseChatModel & Required<Pick<BaseChatModel, "bindTools">>;

/** Model asked for when `OPENAI_MODEL` doesn't name one. */
export const DEFAULT_MODEL = "gpt-4.1-mini";

/**
 * The agent's model: any OpenAI-compatible server, found through the variables that OpenAI's own
 * clients read.
 *
 * @param environment - `OPENAI_BASE_URL` (default: OpenAI), `OPENAI_API_KEY`, `OPENAI_MODEL` (default
 *   {@link DEFAULT_MODEL})
 */
export function createModel(environment: NodeJS.ProcessEnv): ToolCallingModel {
  return new ChatOpenAI({
    model: environment["OPENAI_MODEL"] || DEFAULT_MODEL,
    apiKey: environment["OPENAI_API_KEY"] ?? "",
    configuration: { baseURL: environment["OPENAI_BASE_URL"] },
    maxRetries: 2,
  });
}

/** Where a real model is to be had. */
export interface ModelServer {
  /** Base URL with the version at its end, as OpenAI's clients want it. */
  baseUrl: string;
  apiKey: string;
}

/**
 * The model's server that the environment names, if it names one; a key alone means OpenAI's own.
 */
export function findModelServer(environment: NodeJS.ProcessEnv): ModelServer | undefined {
  const baseUrl = environment["OPENAI_BASE_URL"];
  const apiKey = environment["OPENAI_API_KEY"];
  if (!baseUrl && !apiKey) return undefined;
  return { baseUrl: baseUrl || "https://api.openai.com/v1", apiKey: apiKey ?? "" };
}
