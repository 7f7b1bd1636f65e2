import type { BaseMessage } from "@langchain/core/messages";
import type { AnswerFacts } from "./attempt-outcome.ts";
import type { EndpointDescription } from "../failure/classify-provider-error.ts";
import type { Failure } from "../failure/failure.ts";

type Source = Readonly<Record<string, unknown>> | undefined;

/** The first text under one of `keys`; what was said of the generation wins. */
function readText(info: Source, metadata: Source, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = info?.[key] ?? metadata?.[key];
    if (typeof value === "string" && value !== "") return value;
  }
  return undefined;
}

/** Under which names providers give these facts. */
const finishKeys = ["finish_reason", "stop_reason", "finishReason"];
const idKeys = ["id"];
const modelKeys = ["model_name", "model"];

/** What a message or chunk says about the answer as a whole. */
export function readFacts(message: BaseMessage, generationInfo: Source): AnswerFacts {
  const metadata: Source = message.response_metadata;
  const details = generationInfo?.["incomplete_details"] ?? metadata?.["incomplete_details"];
  const reason = (details as { reason?: unknown } | null | undefined)?.reason;
  // The Responses API has no finish reason; it says why an answer isn't complete.
  const incomplete = typeof reason === "string" ? reason : undefined;
  return {
    finishReason: incomplete ?? readText(generationInfo, metadata, finishKeys),
    responseId: readText(generationInfo, metadata, idKeys) ?? message.id,
    responseModel: readText(generationInfo, metadata, modelKeys),
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
