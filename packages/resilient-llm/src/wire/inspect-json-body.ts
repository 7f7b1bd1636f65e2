import { classifyProviderError, quoteMessage } from "../failure/classify-provider-error.ts";
import type { Failure } from "../failure/failure.ts";
import type { WireWatch } from "./wire-watch.ts";

/** The failure of an answer with status 200 that is something else than an answer. */
export function describeWrongBody(watch: WireWatch, what: string, body: string): Failure {
  const { model, baseUrl, secrets } = watch.endpoint;
  const quoted = quoteMessage(body, secrets).slice(0, 120);
  return {
    kind: "invalid-response",
    message: `${model} at ${baseUrl} answered with status 200 and ${what}${quoted ? `: ${quoted}` : ""}`,
    nextStep: /\/v\d/.test(baseUrl)
      ? `Check that ${baseUrl} is the address of an OpenAI-compatible API and no proxy or login page stands before it.`
      : `Check the base URL: OpenAI-compatible servers usually want ${baseUrl.replace(/\/$/, "")}/v1.`,
  };
}

/** The beginning of at least one choice. */
const firstChoice = /"choices"\s*:\s*\[\s*\{/;

/** Whether it's an object with at least one choice, from brace to brace. */
function looksComplete(body: string): boolean {
  const trimmed = body.trim();
  return trimmed.startsWith("{") && trimmed.endsWith("}") && firstChoice.test(trimmed);
}

/** Judges the body of an answer with status 200 that isn't a stream; `undefined` means it's an answer. */
export function inspectJsonBody(body: string, watch: WireWatch): Failure | undefined {
  // What every good answer looks like isn't parsed here: the SDK is about to, and should it find the
  // JSON broken after all, that is classified as truncation too.
  if (looksComplete(body)) return undefined;
  const { endpoint, headers } = watch;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (cause) {
    if (/^\s*</.test(body)) return describeWrongBody(watch, "an HTML page", body);
    if (/^\s*\{/.test(body)) {
      return {
        kind: "truncated",
        message: `The answer of ${endpoint.model} at ${endpoint.baseUrl} is broken off JSON (${body.length} characters)`,
        cause,
      };
    }
    return describeWrongBody(watch, "a body that isn't JSON", body);
  }
  if (typeof parsed !== "object" || parsed === null) {
    return describeWrongBody(watch, "a body that isn't an object", body);
  }
  const { error, choices, object, status } = parsed as {
    error?: { code?: string | number; type?: string; message?: string } | string | null;
    choices?: unknown;
    object?: unknown;
    status?: unknown;
  };
  // The Responses API answers without choices, and reports failures with status 200.
  if (object === "response" && !error && status !== "failed") return undefined;
  if (Array.isArray(choices) && choices.length > 0) return undefined;
  if (error) {
    const details = typeof error === "string" ? { message: error } : error;
    return classifyProviderError(
      { ...details, message: details.message ?? JSON.stringify(error), headers },
      endpoint,
      watch.clock.now(),
    );
  }
  return describeWrongBody(watch, "without choices", body);
}

/** Judges an answer that ought to have been a stream and came as one JSON or HTML body. */
export function inspectUnstreamedBody(body: string, watch: WireWatch): Failure {
  return (
    inspectJsonBody(body, watch) ??
    describeWrongBody(watch, "a whole answer although a stream was asked for", body)
  );
}
