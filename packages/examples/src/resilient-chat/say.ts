import { AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import type { ChatGraph } from "./chat-graph.ts";

/**
 * Says something in a conversation and hands out the answer word by word.
 *
 * What was said is stored before the model is asked. If no answer comes, it stays in the thread, and
 * the model sees it with the next message.
 *
 * @param signal - Ends the answer; the reason is thrown.
 */
export async function* say(
  graph: ChatGraph,
  threadId: string,
  text: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const stream = await graph.stream(
    { messages: [new HumanMessage(text)] },
    {
      configurable: { thread_id: threadId },
      streamMode: "messages",
      // The answer counts as given when it is stored: a process that dies after that has lost nothing.
      durability: "sync",
      signal,
    },
  );
  for await (const [chunk] of stream) if (AIMessageChunk.isInstance(chunk)) yield chunk.text;
}
