import type { BaseChatModel, BindToolsInput } from "@langchain/core/language_models/chat_models";
import { convertToOpenAITool, isLangChainTool } from "@langchain/core/utils/function_calling";
import { createHash, randomUUID } from "node:crypto";
import { redactText } from "../failure/redact.ts";
import type { Candidate } from "./candidate.ts";
import { namesSecret } from "./endpoint-secrets.ts";
import { readEntries, type ClientOptions } from "./list-endpoints.ts";

/** Enough to tell the settings of one program's models apart. */
const FINGERPRINT_LENGTH = 16;

const descriptions = new WeakMap<Candidate, Readonly<Record<string, unknown>>>();

/**
 * What tells a model's answers from those of another one: its name, its endpoint, and a fingerprint of
 * all settings that shape an answer. Keys and passwords are not part of it. Several endpoints of a model
 * serve the same answers, so their addresses and their number are not part of it either.
 */
export function describeModel(endpoints: readonly Candidate[]): Readonly<Record<string, unknown>> {
  const [first] = endpoints;
  if (first && !first.isListed) return describeCandidate(first);
  const fingerprints = new Set(endpoints.map((endpoint) => fingerprintEndpoint(endpoint)));
  return { model: first?.model, fingerprints: [...fingerprints].toSorted() };
}

/** What tells the answers of a model's only endpoint from those of another one. */
function describeCandidate(candidate: Candidate): Readonly<Record<string, unknown>> {
  const known = descriptions.get(candidate);
  if (known) return known;
  const { endpoint, inner } = candidate;
  const { temperature } = inner.chatModel as { readonly temperature?: unknown };
  const description = {
    model: endpoint.model,
    baseUrl: endpoint.baseUrl,
    ...(typeof temperature === "number" ? { temperature } : {}),
    fingerprint: createFingerprint(
      { ...readSettings(inner.chatModel), bound: inner.boundOptions },
      endpoint.secrets,
    ),
  };
  descriptions.set(candidate, description);
  return description;
}

/** Tools as providers are told of them, without the credentials of MCP servers. */
export function describeTools(tools: readonly BindToolsInput[]): Record<string, unknown>[] {
  return tools.map((tool) => {
    if (isLangChainTool(tool)) return { ...convertToOpenAITool(tool) };
    const { headers: _, authorization: __, ...described } = tool as Record<string, unknown>;
    return described;
  });
}

/** Settings that say where a model is asked, and by whom, and not what. */
const ADDRESS_SETTINGS = new Set([
  "adminAPIKey",
  "apiKey",
  "baseURL",
  "clientConfig",
  "configuration",
  "defaultHeaders",
  "defaultQuery",
  "model",
  "model_name",
  "modelName",
  "organization",
  "project",
]);

const fingerprints = new WeakMap<Candidate, string>();

/** A fingerprint of what shapes an endpoint's answers, apart from where they come from. */
function fingerprintEndpoint(candidate: Candidate): string {
  const { endpoint, inner } = candidate;
  const known = fingerprints.get(candidate);
  if (known !== undefined) return known;
  const { given, identifying, invocation } = readSettings(inner.chatModel);
  const { configuration } = readEntries(given) as { configuration?: ClientOptions };
  const settings = {
    given: omitAddress(given),
    identifying: omitAddress(identifying),
    invocation: omitAddress(invocation),
    headers: omitSecrets(configuration?.defaultHeaders),
    query: omitSecrets(configuration?.defaultQuery),
    bound: inner.boundOptions,
  };
  const made = createFingerprint(settings, endpoint.secrets);
  fingerprints.set(candidate, made);
  return made;
}

function omitAddress(values: unknown): object {
  return Object.fromEntries(
    Object.entries(readEntries(values)).filter(([name]) => !ADDRESS_SETTINGS.has(name)),
  );
}

function omitSecrets(values: unknown): object {
  return Object.fromEntries(
    Object.entries(readEntries(values)).filter(([name]) => !namesSecret(name)),
  );
}

interface Settings {
  readonly given: unknown;
  readonly identifying: unknown;
  readonly invocation: unknown;
}

/** What a model was made with, and what it says of itself. */
function readSettings(model: BaseChatModel): Settings {
  const { lc_kwargs: given } = model as { readonly lc_kwargs?: unknown };
  return {
    given,
    identifying: tryCalling(() => model._identifyingParams()),
    invocation: tryCalling(() => model.invocationParams({})),
  };
}

function tryCalling(call: () => unknown): unknown {
  try {
    return call();
  } catch {
    return undefined;
  }
}

function createFingerprint(settings: object, secrets: readonly string[]): string {
  let text: string;
  try {
    text = JSON.stringify(settings, replaceObjects);
  } catch {
    // It holds itself and cannot be compared, so it is like no other.
    text = randomUUID();
  }
  const hash = createHash("sha256").update(redactText(text, secrets));
  return hash.digest("hex").slice(0, FINGERPRINT_LENGTH);
}

/**
 * Keeps data, in whichever order it was given, and leaves out what does things, such as agents and caches, whose
 * state changes.
 */
function replaceObjects(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  if (value instanceof Headers || value instanceof Map || value instanceof Set) return [...value];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(entries);
}
