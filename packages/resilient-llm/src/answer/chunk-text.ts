import { AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { isReasoning } from "../attempt/judge-emptiness.ts";

type ContentBlock = Exclude<AIMessageChunk["content"], string>[number];

/** A piece of text where a message's content is made of blocks. Pieces of one block have one index. */
export type TextBlock = ContentBlock & { readonly text: string };

function isText(block: ContentBlock): block is TextBlock {
  return typeof block["text"] === "string";
}

/** The last piece of text in a message. `undefined`: it has none, or no blocks. */
export function findTextBlock({ content }: AIMessageChunk): TextBlock | undefined {
  return Array.isArray(content) ? content.findLast((block) => isText(block)) : undefined;
}

/** A chunk with more text, as another piece of `block` if there is one. */
export function createTextChunk(text: string, block: TextBlock | undefined): ChatGenerationChunk {
  const content = block ? [{ ...block, text }] : text;
  const message = new AIMessageChunk({ content });
  return new ChatGenerationChunk({ text, message });
}

/** A chunk without its text and without reasoning: tool calls, usage, whatever else it brings. */
export function withoutWords(chunk: ChatGenerationChunk): ChatGenerationChunk {
  const { additional_kwargs, content, response_metadata, tool_call_chunks, usage_metadata } =
    chunk.message as AIMessageChunk;
  const { reasoning: _, reasoning_content: __, ...others } = additional_kwargs;
  const fields = {
    content: Array.isArray(content)
      ? content.filter((block) => !isText(block) && !isReasoning(block.type))
      : "",
    additional_kwargs: others,
    response_metadata,
    ...(tool_call_chunks?.length ? { tool_call_chunks } : {}),
    ...(usage_metadata ? { usage_metadata } : {}),
  };
  const message = new AIMessageChunk(fields);
  const rest = new ChatGenerationChunk({ text: "", message });
  if (chunk.generationInfo) rest.generationInfo = chunk.generationInfo;
  return rest;
}
