import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import type { BaseCheckpointSaver, BaseStore } from "@langchain/langgraph-checkpoint";
import { OUTLINE_PROMPT, writePrompt } from "./prompts.ts";

/** A report that is written section by section. */
const ReportState = Annotation.Root({
  topic: Annotation<string>,
  titles: Annotation<string[]>,
  sections: Annotation<string[]>({
    reducer: (written, next) => [...written, ...next],
    default: () => [],
  }),
});

/** What keeps the report's thread, and its sections as items. */
export interface ReportStorage {
  readonly saver: BaseCheckpointSaver;
  readonly store: BaseStore;
}

/** Where the sections of a report are in the store. */
export function sectionsOf(threadId: string): string[] {
  return ["reports", threadId];
}

/** `outline ─▶ write ─▶ write ─▶ …`: one step for each section. */
export function buildReportGraph(model: BaseChatModel, { saver, store }: ReportStorage) {
  return new StateGraph(ReportState)
    .addNode("outline", async ({ topic }) => {
      const answer = await model.invoke([
        new SystemMessage(OUTLINE_PROMPT),
        new HumanMessage(topic),
      ]);
      const lines = answer.text.split("\n").map((line) => line.replace(/^[\d.\-*\s]+/, "").trim());
      const titles = lines.filter((line) => line !== "");
      if (titles.length === 0) throw new Error(`The model named no sections for "${topic}".`);
      return { titles };
    })
    .addNode("write", async ({ topic, titles, sections }, { store: items, configurable }) => {
      const title = titles[sections.length]!;
      const answer = await model.invoke([
        new SystemMessage(writePrompt(topic, titles)),
        new HumanMessage(title),
      ]);
      const key = `section ${sections.length + 1}`;
      await items!.put(sectionsOf(String(configurable!["thread_id"])), key, {
        title,
        text: answer.text,
      });
      return { sections: [`${title}\n${answer.text}`] };
    })
    .addEdge(START, "outline")
    .addEdge("outline", "write")
    .addConditionalEdges("write", ({ titles, sections }) =>
      sections.length < titles.length ? "write" : END,
    )
    .compile({ checkpointer: saver, store, name: "report" });
}

/** The graph that {@link buildReportGraph} builds. */
export type ReportGraph = ReturnType<typeof buildReportGraph>;
