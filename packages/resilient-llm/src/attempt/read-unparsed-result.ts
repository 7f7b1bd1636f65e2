import { AIMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import { isFields } from "../wire/normalize-message.ts";

/**
 * OpenAI's SDK throws these where JSON of a schema was asked for and the finish reason is `length` or
 * `content_filter`. It has the answer then, and keeps it to itself.
 */
const UNPARSED = /^Could not parse response content as the (?:length limit|request was rejected)/;

/** The answer that OpenAI's SDK would not hand out, from the body. `undefined`: it was another error. */
export function readUnparsedResult(
  error: unknown,
  body: string | undefined,
): ChatResult | undefined {
  if (!(error instanceof Error) || !UNPARSED.test(error.message) || body === undefined) {
    return undefined;
  }
  const { choices, id, model } = JSON.parse(body) as Readonly<Record<string, unknown>>;
  const [choice] = Array.isArray(choices) ? (choices as unknown[]) : [];
  if (!isFields(choice)) return undefined;
  const { finish_reason, message } = choice;
  const content = isFields(message) ? message["content"] : undefined;
  const text = typeof content === "string" ? content : "";
  const response_metadata = { finish_reason, model_name: model, model_provider: "openai" };
  const whole = new AIMessage({
    content: text,
    response_metadata,
    ...(typeof id === "string" ? { id } : {}),
  });
  return { generations: [{ text, message: whole, generationInfo: { finish_reason } }] };
}
