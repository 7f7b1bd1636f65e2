import { AIMessageChunk, HumanMessage } from "@langchain/core/messages";
import type { ChatGraph } from "./chat-graph.ts";

/**
 * Says something in a conversation and hands out the answer word by word.
 *
 * What you say is stored before the model is asked. If no answer comes, it stays in the thread.
 *
 * @param text what to say; `undefined` asks for the answer to what was said last
 * @param signal ends the answer; its reason is thrown
 */
export async function* say(
  graph: ChatGraph,
  threadId: string,
  text: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<string> {
  // `null` means: go on where the thread stands.
  const input = text === undefined ? null : { messages: [new HumanMessage(text)] };
  const stream = await graph.stream(input, {
    configurable: { thread_id: threadId },
    streamMode: "messages",
    // An answer counts when it is stored: a process that dies after that has lost nothing.
    durability: "sync",
    signal,
  });
  for await (const [chunk] of stream) if (AIMessageChunk.isInstance(chunk)) yield chunk.text;
}

/** Whether something was said in this conversation that has no answer yet. */
export async function isUnanswered(graph: ChatGraph, threadId: string): Promise<boolean> {
  const { next } = await graph.getState({ configurable: { thread_id: threadId } });
  return next.length > 0;
}
