import { AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import type { MessagesAnnotation } from "@langchain/langgraph";
import type { ArticleGraph } from "./article-graph.ts";
import type { Reader } from "./reader.ts";

/**
 * Writes the article of a thread for a reader: begins it, goes on with one that was cut off, or hands out one that is
 * complete.
 */
export async function writeArticle(
  graph: ArticleGraph,
  threadId: string,
  question: string,
  reader: Reader,
): Promise<void> {
  const thread = { configurable: { thread_id: threadId } };
  const state = await graph.getState(thread);
  const { createdAt, next } = state;
  if (createdAt !== undefined && next.length === 0) {
    const { messages } = state.values as typeof MessagesAnnotation.State;
    await reader.hear(messages.at(-1)?.text ?? "");
    return;
  }
  // `null` means: go on where the thread stands.
  const input = createdAt === undefined ? { messages: [new HumanMessage(question)] } : null;
  const stream = await graph.stream(input, {
    ...thread,
    durability: "sync",
    streamMode: "messages",
  });
  for await (const [chunk] of stream) {
    if (AIMessageChunk.isInstance(chunk)) await reader.hear(chunk.text);
  }
}
