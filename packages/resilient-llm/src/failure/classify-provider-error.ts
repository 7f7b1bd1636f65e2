import { askClassifyOption } from "./ask-classify-option.ts";
import type { EndpointDescription } from "./endpoint-description.ts";
import type { ClassifiedError } from "./failure-rules.ts";
import type { Failure, FailureKind } from "./failure.ts";
import { findFailureRule } from "./find-failure-rule.ts";
import type { HeaderLookup } from "./header-lookup.ts";
import { describeNextStep } from "./next-step.ts";
import { readWindowTokens } from "./prompt-too-long.ts";
import { quoteMessage } from "./quote-message.ts";
import type { ErrorReport } from "./read-error-report.ts";
import { readShouldRetry, readWaitHintMs } from "./wait-hint.ts";

/** An error as a provider reports it, by status or inside an answer with status 200. */
export interface ProviderError extends Partial<ErrorReport> {
  readonly status?: number | undefined;
  readonly message: string;
  readonly headers?: HeaderLookup | undefined;
  readonly cause?: unknown;
}

/** A code that is an HTTP status, as gateways report it inside an answer with status 200. */
function readCodeAsStatus(error: ProviderError): number | undefined {
  for (const name of [error.code, ...(error.names ?? [])]) {
    const status = Number(name);
    if (Number.isInteger(status) && status >= 400 && status < 600) return status;
  }
  return undefined;
}

/** Fills in what an error does not say. */
function toClassified(error: ProviderError): ClassifiedError {
  return {
    status: error.status ?? readCodeAsStatus(error),
    code: error.code,
    type: error.type,
    names: error.names ?? [],
    param: error.param,
    message: error.message,
    windowTokens: error.windowTokens,
    retryDelay: error.retryDelay,
    upstreamHeaders: error.upstreamHeaders,
    isModeration: error.isModeration ?? false,
  };
}

/**
 * Turns an error reported by a provider into a failure value, by the user's rules first and ours
 * second.
 *
 * @param otherwise The kind of an error that no rule knows: a provider that reports an error without a
 * code for it is in trouble itself.
 */
export function classifyProviderError(
  error: ProviderError,
  endpoint: EndpointDescription,
  nowMs: number,
  otherwise: FailureKind = "server-error",
): Failure {
  const classified = toClassified(error);
  const { code, message, param, status, type } = classified;
  const asked = askClassifyOption(endpoint, { status, code, type, param, message });
  const rule = asked === undefined ? findFailureRule(classified) : undefined;
  const kind = asked ?? rule?.kind ?? otherwise;
  const quoted = quoteMessage(message, endpoint.secrets);
  const reported =
    error.status === undefined ? "an error inside the answer" : `status ${error.status}`;
  const nextStep = describeNextStep(kind, endpoint, rule?.isFinal);
  const waitHintMs = readWaitHintMs(error.headers, nowMs, classified);
  const shouldRetry = readShouldRetry(error.headers);
  const providerCode = code ?? type;
  const windowTokens =
    kind === "context-length" ? (error.windowTokens ?? readWindowTokens(message)) : undefined;
  return {
    kind,
    message: `${endpoint.model} at ${endpoint.baseUrl} answered with ${reported}${quoted ? `: ${quoted}` : ""}`,
    ...(nextStep === undefined ? {} : { nextStep }),
    ...(error.status === undefined ? {} : { status: error.status }),
    ...(providerCode === undefined ? {} : { providerCode }),
    ...(waitHintMs === undefined ? {} : { waitHintMs }),
    ...(shouldRetry === undefined ? {} : { shouldRetry }),
    ...(windowTokens === undefined ? {} : { windowTokens }),
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  };
}
