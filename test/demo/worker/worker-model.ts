import {
  ResilientChatModel,
  type Pricing,
  type ResilienceListener,
} from "@threadkeep/resilient-llm";

/** The model that is asked for where `OPENAI_MODEL` names none. */
export const DEFAULT_MODEL = "gpt-4.1-mini";

/** The demo's two scripted models, in the order in which they are asked. */
export const SCRIPTED_CHAIN = ["scripted-large", "scripted-small"] as const;

/** What models cost that no price table knows. Here: the scripted ones, at made-up prices. */
const OWN_PRICES: Readonly<Record<string, Pricing>> = {
  "scripted-large": { inputPerMillionUsd: 2, outputPerMillionUsd: 8 },
  "scripted-small": { inputPerMillionUsd: 0.4, outputPerMillionUsd: 1.6 },
};

/**
 * The worker's model: a chain at any OpenAI-compatible server. The first model answers; while it
 * cannot, the next one does.
 *
 * @param environment `OPENAI_BASE_URL` (default: OpenAI), `OPENAI_API_KEY`, `OPENAI_MODEL`: a name
 *   or several with commas between them (default {@link DEFAULT_MODEL})
 * @param onEvent is told of each attempt, retry and fallback
 */
export function createModel(
  environment: NodeJS.ProcessEnv,
  onEvent?: ResilienceListener,
): ResilientChatModel {
  const names = (environment["OPENAI_MODEL"] || DEFAULT_MODEL).split(",");
  return new ResilientChatModel({
    models: names.map((name) => ({ model: name.trim(), pricing: OWN_PRICES[name.trim()] })),
    baseURL: environment["OPENAI_BASE_URL"] || undefined,
    // A server of your own often wants no key, but the client wants one.
    apiKey: environment["OPENAI_API_KEY"] || "none",
    onEvent,
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
