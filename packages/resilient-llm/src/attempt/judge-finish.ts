import type { BaseMessage } from "@langchain/core/messages";
import type { AnswerFacts } from "../call/attempt-outcome.ts";
import type { EndpointDescription } from "../failure/classify-provider-error.ts";
import type { Failure } from "../failure/failure.ts";

function readText(
  source: Readonly<Record<string, unknown>>,
  ...keys: string[]
): string | undefined {
  for (const key of keys) {
    const value = source[key];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}

/** What a message or chunk says about the answer as a whole. */
export function readFacts(
  message: BaseMessage,
  generationInfo: Readonly<Record<string, unknown>> | undefined,
): AnswerFacts {
  const metadata = { ...message.response_metadata, ...generationInfo };
  const { reason } = (metadata["incomplete_details"] ?? {}) as { reason?: unknown };
  // The Responses API has no finish reason; it says why an answer isn't complete.
  const incomplete = typeof reason === "string" ? reason : undefined;
  return {
    finishReason: incomplete ?? readText(metadata, "finish_reason", "stop_reason", "finishReason"),
    responseId: readText(metadata, "id") ?? message.id,
    responseModel: readText(metadata, "model_name", "model"),
  };
}

/** The failure that a finish reason stands for; `undefined` for the ordinary ones. */
export function judgeFinish(
  finishReason: string | undefined,
  endpoint: EndpointDescription,
): Failure | undefined {
  if (finishReason === "error") {
    return {
      kind: "server-error",
      message: `${endpoint.model} at ${endpoint.baseUrl} ended its answer with finish_reason "error"`,
    };
  }
  if (
    finishReason === "content_filter" ||
    finishReason === "SAFETY" ||
    finishReason === "refusal"
  ) {
    return {
      kind: "content-filter",
      providerCode: finishReason,
      message: `${endpoint.model} at ${endpoint.baseUrl} cut its answer off with finish_reason "${finishReason}"`,
      nextStep:
        "Rephrase the prompt, or allow another provider with fallback.onContentFilter: true.",
    };
  }
  return undefined;
}
