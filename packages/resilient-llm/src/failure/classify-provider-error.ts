import { redactText } from "./redact.ts";
import type { Failure, FailureKind } from "./failure.ts";
import { readWaitHintMs, type HeaderLookup } from "./wait-hint.ts";

/** The endpoint a failure belongs to, as far as messages need it. */
export interface EndpointDescription {
  readonly model: string;
  readonly baseUrl: string;
  /** Where the key came from, for instance `OPENAI_API_KEY` or `the option apiKey`. */
  readonly apiKeySource: string;
  /** Values never to appear in a message. */
  readonly secrets: readonly string[];
}

/** An error as a provider reports it, by status or inside an answer with status 200. */
export interface ProviderError {
  readonly status?: number | undefined;
  /** `error.code`; some gateways put an HTTP status here. */
  readonly code?: string | number | null | undefined;
  /** `error.type`. */
  readonly type?: string | null | undefined;
  readonly message: string;
  readonly headers?: HeaderLookup | undefined;
  readonly cause?: unknown;
}

/** Longest part of a provider's message that is repeated in ours, in characters. */
const longestQuote = 300;

const quotaCodes =
  /insufficient_quota|billing_not_active|insufficient_(?:balance|credits|funds)|credit_balance/i;
const quotaMessages =
  /insufficient (?:quota|balance|credits?)|exceeded your current quota|out of credits|credit balance is too low/i;
const contextCodes = /context_length_exceeded|context_window_exceeded|string_above_max_length/i;
const contextMessages =
  /maximum context length|exceeds the context window|context window (?:is|of)|prompt is too long|too many (?:input )?tokens|Input tokens exceed/i;
const filterCodes = /content_filter|content_policy_violation|responsible_ai_policy/i;
const rateCodes = /rate_limit|too_many_requests|resource_exhausted|throttl/i;
const serverCodes =
  /server_error|internal_error|overloaded|service_unavailable|unavailable|bad_gateway|upstream|engine_overloaded|timeout|api_error/i;
const authenticationCodes =
  /invalid_api_key|authentication_error|permission_(?:denied|error)|unauthorized/i;
const notFoundCodes = /model_not_found|not_found_error|deployment_?not_?found/i;
const requestCodes = /invalid_request|invalid_argument|bad_request|unsupported_/i;

function kindOfStatus(status: number | undefined): FailureKind | undefined {
  if (status === undefined) return undefined;
  if (status === 429) return "rate-limited";
  if (status === 402) return "quota-exhausted";
  if (status === 408 || status === 409 || status === 425) return "transient";
  if (status === 401 || status === 403) return "authentication";
  if (status === 404) return "not-found";
  if (status >= 500) return "server-error";
  if (status >= 400) return "bad-request";
  return undefined;
}

function kindOfCode(code: string): FailureKind | undefined {
  if (code === "") return undefined;
  if (rateCodes.test(code)) return "rate-limited";
  if (authenticationCodes.test(code)) return "authentication";
  if (notFoundCodes.test(code)) return "not-found";
  if (serverCodes.test(code)) return "server-error";
  if (requestCodes.test(code)) return "bad-request";
  return undefined;
}

function kindOf(error: ProviderError): FailureKind {
  const code = `${error.type ?? ""} ${error.code ?? ""}`.trim();
  // These three say more than the status they come with: 400, 403 or 429, depending on the provider.
  if (quotaCodes.test(code) || quotaMessages.test(error.message)) return "quota-exhausted";
  if (contextCodes.test(code) || contextMessages.test(error.message)) return "context-length";
  if (filterCodes.test(code)) return "content-filter";
  const codeAsStatus = Number(error.code);
  return (
    kindOfStatus(error.status) ??
    kindOfStatus(codeAsStatus >= 400 && codeAsStatus < 600 ? codeAsStatus : undefined) ??
    kindOfCode(code) ??
    // A provider that reports an error it has no code for is in trouble itself.
    "server-error"
  );
}

/** The first `longestQuote` characters on one line, HTML reduced to its text, secrets redacted. */
export function quoteMessage(message: string, secrets: readonly string[]): string {
  // Redacted first: a key that shortening has cut or put on one line would no longer be known as one.
  const redacted = redactText(message, secrets);
  const text = /^\s*(?:\d{3}\s+)?</.test(redacted)
    ? redacted.replaceAll(/<(style|script)[\s\S]*?<\/\1>/gi, " ").replaceAll(/<[^>]*>/g, " ")
    : redacted;
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > longestQuote ? `${line.slice(0, longestQuote)}…` : line;
}

function nextStepFor(kind: FailureKind, endpoint: EndpointDescription): string | undefined {
  switch (kind) {
    case "authentication":
      return (
        `Check that ${endpoint.apiKeySource} holds a valid key for ${endpoint.baseUrl}` +
        ` and that the key may use ${endpoint.model}.`
      );
    case "not-found": {
      const { model, baseUrl } = endpoint;
      const missing = `${baseUrl.replace(/\/$/, "")}/v1`;
      const version = /\/v\d/.test(baseUrl)
        ? "."
        : `: it doesn't end in a version, and OpenAI-compatible servers usually want ${missing}.`;
      return `Check the model name ${JSON.stringify(model)} and the base URL ${baseUrl}${version}`;
    }
    case "quota-exhausted":
      return `Top up the account behind ${endpoint.apiKeySource}, or add a candidate with another key or provider.`;
    case "rate-limited":
      return "Lower the request rate (option rateLimit), or add a candidate with another key or provider.";
    case "context-length":
      return "Shorten the conversation, or add a candidate with a larger context window.";
    case "content-filter":
      return "Rephrase the prompt, or allow another provider with fallback.onContentFilter: true.";
    case "bad-request":
      return "Correct the request: the same one would be refused again, by any model.";
    default:
      return undefined;
  }
}

function readWindowTokens(message: string): number | undefined {
  const match =
    /(?:maximum context length is|context window (?:is|of)|maximum of|limit of|>) ?([\d,]{3,})/i.exec(
      message,
    );
  return match?.[1] === undefined ? undefined : Number(match[1].replaceAll(",", ""));
}

/** Turns an error reported by a provider into a failure value, by code first and status second. */
export function classifyProviderError(
  error: ProviderError,
  endpoint: EndpointDescription,
  nowMs: number,
): Failure {
  const kind = kindOf(error);
  const quoted = quoteMessage(error.message, endpoint.secrets);
  const reported =
    error.status === undefined ? "an error inside the answer" : `status ${error.status}`;
  const nextStep = nextStepFor(kind, endpoint);
  const waitHintMs = readWaitHintMs(error.headers, nowMs, error.message);
  const code = error.code ?? error.type;
  const windowTokens = kind === "context-length" ? readWindowTokens(error.message) : undefined;
  return {
    kind,
    message: `${endpoint.model} at ${endpoint.baseUrl} answered with ${reported}${quoted ? `: ${quoted}` : ""}`,
    ...(nextStep === undefined ? {} : { nextStep }),
    ...(error.status === undefined ? {} : { status: error.status }),
    ...(code === undefined || code === null ? {} : { providerCode: String(code) }),
    ...(waitHintMs === undefined ? {} : { waitHintMs }),
    ...(windowTokens === undefined ? {} : { windowTokens }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  };
}
