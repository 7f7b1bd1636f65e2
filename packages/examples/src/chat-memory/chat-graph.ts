import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { SystemMessage } from "@langchain/core/messages";
import {
  Annotation,
  END,
  MessagesAnnotation,
  START,
  StateGraph,
  type LangGraphRunnableConfig,
} from "@langchain/langgraph";
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph-checkpoint";
import { Memories } from "./memories.ts";
import { answerPrompt, NO_FACTS, NOTE_PROMPT } from "./prompts.ts";

/** A conversation, and what was noted of its last message. */
const ChatState = Annotation.Root({
  ...MessagesAnnotation.spec,
  noted: Annotation<string[]>,
});

/** What keeps a conversation and what keeps memories. */
export interface ChatStorage {
  /** Short-term memory: the messages of each thread. */
  readonly saver: BaseCheckpointSaver;
  /** Long-term memory: what is known of each user. */
  readonly store: BaseStore;
}

/** `answer ─▶ note`: answers from the conversation and the memories, then notes what is new. */
export function buildChatGraph(model: BaseChatModel, { saver, store }: ChatStorage) {
  return new StateGraph(ChatState)
    .addNode("answer", async ({ messages }, config) => {
      const facts = await openMemories(config).recall();
      return {
        messages: [await model.invoke([new SystemMessage(answerPrompt(facts)), ...messages])],
      };
    })
    .addNode("note", async ({ messages }, config) => {
      const said = messages.findLast((message) => message.type === "human")!;
      const notes = await model.invoke([new SystemMessage(NOTE_PROMPT), said]);
      const lines = notes.text.split("\n").map((line) => line.replace(/^[-*\s]+/, "").trim());
      const noted = lines.filter((line) => line !== "" && line !== NO_FACTS);
      await openMemories(config).note(noted);
      return { noted };
    })
    .addEdge(START, "answer")
    .addEdge("answer", "note")
    .addEdge("note", END)
    .compile({ checkpointer: saver, store, name: "chat-memory" });
}

/** The graph that {@link buildChatGraph} builds. */
export type ChatGraph = ReturnType<typeof buildChatGraph>;

function openMemories({ store, configurable }: LangGraphRunnableConfig): Memories {
  return new Memories(store!, String(configurable!["user_id"]));
}
