import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { ChatOpenAI } from "@langchain/openai";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { EndpointDescription } from "../failure/endpoint-description.ts";
import type { CandidateOptions } from "../options/candidate-options.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { listSecrets, showUrl } from "./endpoint-secrets.ts";
import { isPlainChatOpenAI, watchChatOpenAI, type WrapFetch } from "./inner-model.ts";
import { createFaultInjection } from "./inject-faults.ts";

const OPENAI_BASE_URL = "https://api.openai.com/v1";

/** An environment variable. An empty one counts as unset, as it does for OpenAI's own client. */
function readVariable(name: string): string | undefined {
  return process.env[name]?.trim() || undefined;
}

/** A chat model, and where it sends its requests. */
export interface OpenedModel {
  readonly chatModel: BaseChatModel;
  /** The model's HTTP exchanges are watched. */
  readonly isWatched: boolean;
  readonly endpoint: EndpointDescription;
}

function openByName(
  name: string,
  own: CandidateOptions,
  options: ResolvedOptions,
  wrapFetch: WrapFetch | undefined,
): OpenedModel {
  const baseUrl =
    own.baseURL ?? options.baseURL ?? readVariable("OPENAI_BASE_URL") ?? OPENAI_BASE_URL;
  const apiKey = own.apiKey ?? options.apiKey ?? readVariable("OPENAI_API_KEY");
  if (!apiKey) {
    throw new InvalidOptionsError(
      `No API key for the model ${name} at ${showUrl(baseUrl)}: set the option apiKey or the variable OPENAI_API_KEY` +
        " (any text, if the server wants none)",
    );
  }
  const chatModel = watchChatOpenAI(
    new ChatOpenAI({
      ...own.fields,
      ...(own.maxOutputTokens === undefined ? {} : { maxTokens: own.maxOutputTokens }),
      model: name,
      apiKey,
      configuration: { ...own.fields?.configuration, baseURL: baseUrl },
    }),
    wrapFetch,
  );
  let apiKeySource = "OPENAI_API_KEY";
  if (own.apiKey) apiKeySource = `the option apiKey of ${name}`;
  else if (options.apiKey) apiKeySource = "the option apiKey";
  return {
    chatModel,
    isWatched: true,
    endpoint: {
      model: name,
      baseUrl: showUrl(baseUrl),
      apiKeySource,
      secrets: listSecrets(apiKey, baseUrl, own.fields?.configuration),
    },
  };
}

function warnOfOwnRetries(chatModel: BaseChatModel): void {
  process.emitWarning(
    `${chatModel.getName()} retries by itself: construct it with maxRetries: 0, because` +
      " ResilientChatModel retries too and the requests would multiply",
    { code: "THREADKEEP_INNER_RETRIES" },
  );
}

function readModelName(given: BaseChatModel): string {
  const { model, modelName } = given as { readonly model?: unknown; readonly modelName?: unknown };
  const name = [model, modelName].find((value) => typeof value === "string");
  return name ?? given.getName();
}

function openGiven(
  given: BaseChatModel,
  name: string,
  wrapFetch: WrapFetch | undefined,
): OpenedModel {
  const { clientConfig, apiKey, caller } = given as unknown as {
    clientConfig?: { baseURL?: string | null };
    apiKey?: unknown;
    caller?: { maxRetries?: number };
  };
  const isWatched = isPlainChatOpenAI(given);
  if (!isWatched && (caller?.maxRetries ?? 0) > 0) warnOfOwnRetries(given);
  const baseUrl = clientConfig?.baseURL ?? readVariable("OPENAI_BASE_URL") ?? OPENAI_BASE_URL;
  return {
    chatModel: isWatched ? watchChatOpenAI(given, wrapFetch) : given,
    isWatched,
    endpoint: {
      model: name,
      baseUrl: isWatched || clientConfig?.baseURL ? showUrl(baseUrl) : given.getName(),
      apiKeySource: `the key given to ${given.getName()}`,
      secrets: listSecrets(apiKey, baseUrl, clientConfig),
    },
  };
}

/**
 * The chat model that a candidate's options name or hold.
 *
 * @throws InvalidOptionsError if a model given by name has no API key.
 */
export function openModel(own: CandidateOptions, options: ResolvedOptions): OpenedModel {
  const { model } = own;
  const name = typeof model === "string" ? model : readModelName(model);
  const wrapFetch = createFaultInjection([own.name, name], options);
  const opened =
    typeof model === "string"
      ? openByName(model, own, options, wrapFetch)
      : openGiven(model, name, wrapFetch);
  return { ...opened, endpoint: { ...opened.endpoint, classify: options.classify } };
}
