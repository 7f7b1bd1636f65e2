import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { ChatOpenAI } from "@langchain/openai";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { EndpointDescription } from "../failure/endpoint-description.ts";
import type { CandidateFields } from "../options/candidate-options.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import { listSecrets, showUrl } from "./endpoint-secrets.ts";
import { findBaseUrl, findKey, readOrigin, type KeyLevel } from "./find-key.ts";
import { hideEnvironment, listForeignCredentials } from "./foreign-credentials.ts";
import { createKeeperFetch } from "../keeper/keeper-fetch.ts";
import { createFaultInjection } from "./inject-faults.ts";
import { isPlainChatOpenAI, watchChatOpenAI, type WrapFetch } from "./inner-model.ts";
import { readModelName, type PlannedEndpoint } from "./list-endpoints.ts";

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

/** Where addresses and keys are looked for, in this order. */
function listLevels(planned: PlannedEndpoint, options: ResolvedOptions): readonly KeyLevel[] {
  const { candidate, isListed, own, path } = planned;
  const name = typeof planned.model === "string" ? planned.model : planned.model.getName();
  return [
    { baseUrl: own.baseURL, apiKey: own.apiKey, source: `the option ${path}.apiKey` },
    {
      baseUrl: candidate.baseURL,
      apiKey: candidate.apiKey,
      source: `the option apiKey of ${isListed ? readModelName(candidate.model) : name}`,
    },
    { baseUrl: options.baseURL, apiKey: options.apiKey, source: "the option apiKey" },
    // As with ChatOpenAI, a base URL for the whole model says where the key of the environment goes.
    { baseUrl: options.baseURL, apiKey: readVariable("OPENAI_API_KEY"), source: "OPENAI_API_KEY" },
    {
      baseUrl: readVariable("OPENAI_BASE_URL") ?? OPENAI_BASE_URL,
      apiKey: undefined,
      source: "OPENAI_BASE_URL",
    },
  ];
}

function explainMissingKey(
  name: string,
  path: string,
  baseUrl: string,
  keysForOthers: readonly string[],
): string {
  const missing = `No API key for the model ${name} at ${showUrl(baseUrl)}`;
  if (keysForOthers.length === 0) {
    return (
      `${missing}: set the option apiKey or the variable OPENAI_API_KEY` +
      " (any text, if the server wants none)"
    );
  }
  return (
    `${missing}: set ${path}.apiKey (any text, if the server wants none). No key is sent to another` +
    ` host than the one it was given for: ${keysForOthers.join(", ")}`
  );
}

/** The fields of `ChatOpenAI`, without what is meant for another host. */
function createFields(
  { own, path, candidate, settings }: PlannedEndpoint,
  levels: readonly KeyLevel[],
  apiKey: string,
): CandidateFields {
  const baseUrl = findBaseUrl(levels);
  const origin = readOrigin(baseUrl);
  if (origin !== readOrigin(findBaseUrl(levels.slice(1)))) {
    const foreign = listForeignCredentials(candidate.fields, own.fields);
    if (foreign.length > 0) {
      const where = foreign.map((name) => `${path}.fields.${name}`).join(" and ");
      throw new InvalidOptionsError(
        `The candidate's credentials are not sent to ${showUrl(baseUrl)}, which is another host than` +
          ` theirs: set ${where}, or give each endpoint its own`,
      );
    }
  }
  const fields = settings.fields ?? {};
  if (origin === readOrigin(findBaseUrl(levels.slice(-1)))) return fields;
  return { ...fields, configuration: hideEnvironment(fields.configuration, apiKey) };
}

function openByName(
  name: string,
  planned: PlannedEndpoint,
  options: ResolvedOptions,
  wrapFetch: WrapFetch,
): OpenedModel {
  const levels = listLevels(planned, options);
  const baseUrl = findBaseUrl(levels);
  const found = findKey(levels);
  if (found.apiKey === undefined) {
    const { path } = planned;
    throw new InvalidOptionsError(explainMissingKey(name, path, baseUrl, found.keysForOthers));
  }
  const { apiKey, source: apiKeySource } = found;
  const { maxOutputTokens } = planned.settings;
  const fields = createFields(planned, levels, apiKey);
  const chatModel = watchChatOpenAI(
    new ChatOpenAI({
      ...fields,
      ...(maxOutputTokens === undefined ? {} : { maxTokens: maxOutputTokens }),
      model: name,
      apiKey,
      configuration: { ...fields.configuration, baseURL: baseUrl },
    }),
    wrapFetch,
  );
  return {
    chatModel,
    isWatched: true,
    endpoint: {
      model: name,
      baseUrl: showUrl(baseUrl),
      apiKeySource,
      secrets: listSecrets(apiKey, baseUrl, fields.configuration),
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

function openGiven(given: BaseChatModel, wrapFetch: WrapFetch): OpenedModel {
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
      model: readModelName(given),
      baseUrl: isWatched || clientConfig?.baseURL ? showUrl(baseUrl) : given.getName(),
      apiKeySource: `the key given to ${given.getName()}`,
      secrets: listSecrets(apiKey, baseUrl, clientConfig),
    },
  };
}

/**
 * The chat model that an endpoint's options name or hold.
 *
 * @throws InvalidOptionsError if a model given by name has no API key for its host, or would send
 * credentials there that are meant for another one
 */
export function openModel(planned: PlannedEndpoint, options: ResolvedOptions): OpenedModel {
  const { model } = planned;
  const injectFaults = createFaultInjection(planned, options) ?? ((fetch) => fetch);
  const keeper = options.journal?.keeper;
  const wrapFetch: WrapFetch = (fetch) =>
    injectFaults(keeper ? createKeeperFetch(fetch, keeper) : fetch);
  const opened =
    typeof model === "string"
      ? openByName(model, planned, options, wrapFetch)
      : openGiven(model, wrapFetch);
  return { ...opened, endpoint: { ...opened.endpoint, classify: options.classify } };
}
