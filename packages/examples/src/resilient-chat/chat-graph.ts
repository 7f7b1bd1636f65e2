import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { SystemMessage } from "@langchain/core/messages";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";

const SYSTEM_PROMPT = new SystemMessage(
  "You are the assistant in a terminal. Answer briefly, in plain text.",
);

/** A conversation as a graph: one node, and messages that add up, kept by the checkpointer. */
export function buildChatGraph(model: BaseChatModel, checkpointer: BaseCheckpointSaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("answer", async ({ messages }) => ({
      messages: [await model.invoke([SYSTEM_PROMPT, ...messages])],
    }))
    .addEdge(START, "answer")
    .addEdge("answer", END)
    .compile({ checkpointer, name: "resilient-chat" });
}

/** The graph that {@link buildChatGraph} builds. */
export type ChatGraph = ReturnType<typeof buildChatGraph>;
