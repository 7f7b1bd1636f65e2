import type { AIMessage, BaseMessage } from "@langchain/core/messages";
import type { EndpointDescription } from "../failure/endpoint-description.ts";
import type { Failure } from "../failure/failure.ts";
import { readFinish } from "../failure/finish-rules.ts";
import { describeNextStep } from "../failure/next-step.ts";

/** Whether a message, or a piece of one, says or does anything. Reasoning alone does not. */
export function carriesAnswer(message: BaseMessage): boolean {
  const { content } = message;
  // Whatever is said in words or calls of other kinds: LangChain's types leave some of it out.
  const others: Readonly<Record<string, unknown>> = message.additional_kwargs;
  if (typeof content === "string") {
    if (content.trim() !== "") return true;
  } else if (
    content.some((part) =>
      typeof part["text"] === "string" ? part["text"].trim() !== "" : !isReasoning(part.type),
    )
  ) {
    return true;
  }
  const { tool_calls, invalid_tool_calls, tool_call_chunks } = message as AIMessage & {
    readonly tool_call_chunks?: readonly unknown[];
  };
  if (tool_call_chunks?.length) return true;
  if (others["refusal"] || others["audio"] || others["function_call"]) return true;
  return Boolean(tool_calls?.length) || Boolean(invalid_tool_calls?.length);
}

/** Whether a block of a message's content, by its type, is what a model thinks before it answers. */
export function isReasoning(type: unknown): boolean {
  return typeof type === "string" && /reasoning|thinking/.test(type);
}

/**
 * The failure of an answer that ended properly and carries nothing. One that was cut at its limit is
 * no such: the limit went to reasoning, and a retry would meet it again.
 */
export function judgeEmptiness(
  finishReason: string | undefined,
  endpoint: EndpointDescription,
): Failure | undefined {
  if (readFinish(finishReason) === "cut") return undefined;
  const nextStep = describeNextStep("empty-answer", endpoint);
  const reason =
    finishReason === undefined ? "no finish_reason" : `finish_reason "${finishReason}"`;
  return {
    kind: "empty-answer",
    message:
      `${endpoint.model} at ${endpoint.baseUrl} gave an empty answer:` +
      ` neither text nor tool call nor refusal, ${reason}`,
    ...(nextStep === undefined ? {} : { nextStep }),
  };
}
