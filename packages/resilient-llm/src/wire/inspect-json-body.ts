import { classifyProviderError } from "../failure/classify-provider-error.ts";
import type { Failure } from "../failure/failure.ts";
import { isRealError, readErrorReport } from "../failure/read-error-report.ts";
import { describeWrongBody } from "./describe-wrong-body.ts";
import { isFields, normalizeMessage, type Fields } from "./normalize-message.ts";
import type { WireWatch } from "./wire-watch.ts";

/** A body that is an answer, put right where LangChain would not read it; or why it is not an answer. */
export type InspectedBody = { readonly body: string } | { readonly failure: Failure };

/** The beginning of at least one choice with a message of the assistant. */
const USUAL = [/"choices"\s*:\s*\[\s*\{/, /"role"\s*:\s*"assistant"/];
/** What may be wrong or unreadable. In a text of the answer the quotes would be escaped. */
const UNUSUAL =
  /"error"\s*:\s*[^n\s]|"base_resp"|"content"\s*:\s*[[{]|"message"\s*:\s*null|"tool_calls"\s*:\s*[[{]\s*[^\]\s]|"refusal"\s*:\s*"[^"]/;

/** Whether it is an object with at least one usual choice, from brace to brace. */
function looksUsual(body: string): boolean {
  const trimmed = body.trim();
  return (
    trimmed.startsWith("{") &&
    trimmed.endsWith("}") &&
    USUAL.every((pattern) => pattern.test(trimmed)) &&
    !UNUSUAL.test(trimmed)
  );
}

/** MiniMax reports every outcome in `base_resp`, a good one as 0. */
function hasError({ error, base_resp: outcome }: Fields): boolean {
  return isRealError(error) || (isFields(outcome) && Boolean(outcome["status_code"]));
}

/** Whether a body without choices reports an error in a shape of its own: `{ code, message }`. */
function reportsError(parsed: Fields): boolean {
  const report = readErrorReport(parsed);
  const code = report?.code ?? report?.names[0];
  return report !== undefined && code !== undefined && isRealError({ code });
}

function classify(holder: unknown, { clock, endpoint, headers }: WireWatch): Failure {
  const report = readErrorReport(holder);
  const message = report?.message ?? JSON.stringify(holder);
  return classifyProviderError({ ...report, message, headers }, endpoint, clock.now());
}

function inspectChoices(choices: readonly unknown[], watch: WireWatch): Failure | boolean {
  let isChanged = false;
  for (const choice of choices) {
    if (!isFields(choice)) continue;
    if (isRealError(choice["error"])) return classify(choice, watch);
    const { message } = choice;
    if (!isFields(message)) {
      const { model, baseUrl } = watch.endpoint;
      return {
        kind: "server-error",
        message: `${model} at ${baseUrl} answered with a choice that has no message`,
      };
    }
    if (normalizeMessage(message)) isChanged = true;
    if (typeof message["refusal"] === "string" && message["refusal"] !== "") {
      watch.refusal = message["refusal"];
    }
  }
  return isChanged;
}

function inspectParsed(parsed: Fields, body: string, watch: WireWatch): InspectedBody {
  const { choices, object, status } = parsed;
  if (hasError(parsed)) return { failure: classify(parsed, watch) };
  // The Responses API answers without choices, and reports failures with status 200.
  if (object === "response") {
    return status === "failed" ? { failure: classify(parsed, watch) } : { body };
  }
  if (Array.isArray(choices) && choices.length > 0) {
    const inspected = inspectChoices(choices, watch);
    if (typeof inspected === "object") return { failure: inspected };
    return { body: inspected ? JSON.stringify(parsed) : body };
  }
  if (reportsError(parsed)) return { failure: classify(parsed, watch) };
  return { failure: describeWrongBody(watch, "without choices", body) };
}

/** Judges the body of an answer with status 200 that is not a stream. */
export function inspectJsonBody(body: string, watch: WireWatch): InspectedBody {
  // What every good answer looks like is not parsed here: the SDK is about to, and should it find the
  // JSON broken after all, that is classified as truncation too.
  if (looksUsual(body)) return { body };
  const { model, baseUrl } = watch.endpoint;
  if (body.trim() === "") {
    return {
      failure: {
        kind: "truncated",
        message: `The answer of ${model} at ${baseUrl} has an empty body: not one token came`,
      },
    };
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (cause) {
    if (/^\s*</.test(body)) return { failure: describeWrongBody(watch, "an HTML page", body) };
    if (/^\s*[[{]/.test(body)) {
      const message = `The answer of ${model} at ${baseUrl} is broken off JSON (${body.length} characters)`;
      return { failure: { kind: "truncated", message, cause } };
    }
    return { failure: describeWrongBody(watch, "a body that is not JSON", body) };
  }
  if (Array.isArray(parsed) && isRealError((parsed[0] as Fields | undefined)?.["error"])) {
    return { failure: classify(parsed, watch) };
  }
  if (!isFields(parsed)) {
    return { failure: describeWrongBody(watch, "a body that is not an object", body) };
  }
  return inspectParsed(parsed, body, watch);
}
