import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { END, MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";

/** A graph of one node, which asks the model for a long answer. */
export function buildArticleGraph(model: BaseChatModel, checkpointer: BaseCheckpointSaver) {
  return new StateGraph(MessagesAnnotation)
    .addNode("write", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
    .addEdge(START, "write")
    .addEdge("write", END)
    .compile({ checkpointer, name: "article" });
}

/** The graph that {@link buildArticleGraph} builds. */
export type ArticleGraph = ReturnType<typeof buildArticleGraph>;
