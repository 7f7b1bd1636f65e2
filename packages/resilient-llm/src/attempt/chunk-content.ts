import { AIMessageChunk } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";

/** Whether a chunk says anything: text, a piece of a tool call, reasoning, an image. */
export function hasContent(chunk: ChatGenerationChunk): boolean {
  const { message } = chunk;
  const calls = AIMessageChunk.isInstance(message) ? (message.tool_call_chunks ?? []) : [];
  return (
    chunk.text !== "" ||
    calls.length > 0 ||
    Boolean(message.additional_kwargs["reasoning_content"]) ||
    (Array.isArray(message.content) && message.content.length > 0)
  );
}
