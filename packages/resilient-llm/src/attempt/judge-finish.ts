import type { BaseMessage } from "@langchain/core/messages";
import type { AnswerFacts } from "./attempt-outcome.ts";
import { askClassifyOption } from "../failure/ask-classify-option.ts";
import type { EndpointDescription } from "../failure/endpoint-description.ts";
import type { Failure } from "../failure/failure.ts";
import { readFinish } from "../failure/finish-rules.ts";
import { describeNextStep } from "../failure/next-step.ts";

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
const FINISH_KEYS = ["finish_reason", "stop_reason", "finishReason"];
const ID_KEYS = ["id"];
const MODEL_KEYS = ["model_name", "model"];

/** What a message or chunk says about the answer as a whole. */
export function readFacts(message: BaseMessage, generationInfo: Source): AnswerFacts {
  const metadata: Source = message.response_metadata;
  const details = generationInfo?.["incomplete_details"] ?? metadata?.["incomplete_details"];
  const reason = (details as { reason?: unknown } | null | undefined)?.reason;
  // The Responses API has no finish reason; it says why an answer is not complete.
  const incomplete = typeof reason === "string" ? reason : undefined;
  return {
    finishReason: incomplete ?? readText(generationInfo, metadata, FINISH_KEYS),
    responseId: readText(generationInfo, metadata, ID_KEYS) ?? message.id,
    responseModel: readText(generationInfo, metadata, MODEL_KEYS),
  };
}

/** The failure that a finish reason stands for; `undefined` for the ordinary ones and for a cut. */
export function judgeFinish(
  finishReason: string | undefined,
  endpoint: EndpointDescription,
): Failure | undefined {
  if (finishReason === undefined || finishReason === "stop") return undefined;
  const ended = `ended its answer with finish_reason "${finishReason}"`;
  const means =
    askClassifyOption(endpoint, { finishReason, message: ended }) ?? readFinish(finishReason);
  if (means === undefined || means === "cut") return undefined;
  const nextStep = describeNextStep(means, endpoint);
  return {
    kind: means,
    providerCode: finishReason,
    message: `${endpoint.model} at ${endpoint.baseUrl} ${ended}`,
    ...(nextStep === undefined ? {} : { nextStep }),
  };
}
