import { AIMessageChunk, type AIMessageChunkFields } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { expect, it } from "vitest";
import { hasContent, StreamedContent } from "./streamed-content.ts";

function createChunk(fields: AIMessageChunkFields | object, text = ""): ChatGenerationChunk {
  return new ChatGenerationChunk({ text, message: new AIMessageChunk(fields) });
}

const IMAGE = { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } };
const CALL = { type: "tool_call_chunk", id: "1", name: "look", args: "", index: 0 } as const;

// What ChatOpenAI makes of a provider's `reasoning_content`.
const REASONING: object = { content: "", additional_kwargs: { reasoning_content: "hm" } };

const CHUNKS: [string, ChatGenerationChunk, boolean][] = [
  ["text", createChunk({ content: "hi" }, "hi"), true],
  ["a piece of a tool call", createChunk({ content: "", tool_call_chunks: [CALL] }), true],
  ["reasoning", createChunk(REASONING), true],
  ["an image", createChunk({ content: [IMAGE] }), true],
  ["an empty text", createChunk({ content: "" }), false],
  ["an empty block of text", createChunk({ content: [{ type: "text", text: "" }] }), false],
  ["no block", createChunk({ content: [] }), false],
];

it.each(CHUNKS)("%s: chunk and stream agree on whether that is content", (_, chunk, expected) => {
  const content = new StreamedContent();
  content.add(chunk);
  expect([hasContent(chunk), content.hasContent]).toEqual([expected, expected]);
  expect(content.estimateTokens() > 0).toBe(expected);
});

it("text and tool calls add up over chunks", () => {
  const content = new StreamedContent();
  for (const [, chunk] of CHUNKS) content.add(chunk);
  content.add(createChunk({ content: " there" }, " there"));
  expect(content).toMatchObject({ text: "hi there", hasToolCalls: true, hasContent: true });
});
