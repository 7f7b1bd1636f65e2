import type { AIMessageChunk } from "@langchain/core/messages";

/** The chunks of a stream, and the message that they add up to. */
export async function collectStream(
  stream: Promise<AsyncIterable<AIMessageChunk>>,
): Promise<{ readonly chunks: readonly AIMessageChunk[]; readonly whole: AIMessageChunk }> {
  const chunks: AIMessageChunk[] = [];
  for await (const chunk of await stream) chunks.push(chunk);
  return { chunks, whole: chunks.reduce((left, right) => left.concat(right)) };
}
