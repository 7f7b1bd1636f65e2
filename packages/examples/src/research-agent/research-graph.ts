import type { AIMessage, BaseMessage } from "@langchain/core/messages";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import {
  Annotation,
  END,
  type LangGraphRunnableConfig,
  messagesStateReducer,
  Send,
  START,
  StateGraph,
} from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { ToolNode } from "@langchain/langgraph/prebuilt";
import type { CallJournal, ResilientChatModel } from "@threadkeep/resilient-llm";
import type { Db } from "mongodb";
import { addBills, type Bill, billOf, EMPTY_BILL } from "./bill.ts";
import { NOTE_PROMPT, PLAN_PROMPT, REPORT_PROMPT } from "./prompts.ts";
import { createPublishTool, createSearchTool } from "./tools.ts";

const bill = () => Annotation<Bill>({ reducer: addBills, default: () => EMPTY_BILL });
const notes = () =>
  Annotation<string[]>({ reducer: (left, right) => [...left, ...right], default: () => [] });

const Research = Annotation.Root({
  question: Annotation<string>,
  topics: Annotation<string[]>,
  notes: notes(),
  report: Annotation<string>,
  published: Annotation<string>,
  bill: bill(),
});

/** The state of the graph. */
export type ResearchState = typeof Research.State;

const Topic = Annotation.Root({
  topic: Annotation<string>,
  messages: Annotation<BaseMessage[]>({ reducer: messagesStateReducer, default: () => [] }),
  notes: notes(),
  bill: bill(),
});

/** What the graph works with. */
export interface Workshop {
  readonly model: ResilientChatModel;
  readonly journal: CallJournal;
  readonly db: Db;
}

/** `look ─▶ search ─▶ look`, for one topic, until the model has no more searches to make. */
function buildTopicGraph({ db, journal, model }: Workshop) {
  const search = createSearchTool(db, journal);
  const searching = model.bindTools([search]);
  return (
    new StateGraph(Topic)
      .addNode("look", async ({ messages, topic }) => {
        const asked = messages.length > 0 ? [] : [new HumanMessage(topic)];
        const prompt = [new SystemMessage(NOTE_PROMPT), ...messages, ...asked];
        const answer = (await searching.invoke(prompt)) as AIMessage;
        const hasNote = !answer.tool_calls?.length;
        return {
          messages: [...asked, answer],
          notes: hasNote ? [answer.text] : [],
          bill: billOf(answer),
        };
      })
      // What a journaled tool throws is for a human, not for the model.
      .addNode("search", new ToolNode([search], { handleToolErrors: false }))
      .addEdge(START, "look")
      .addConditionalEdges("look", ({ messages }) =>
        (messages.at(-1) as AIMessage).tool_calls?.length ? "search" : END,
      )
      .addEdge("search", "look")
      .compile()
  );
}

/** `plan ─▶ one research for each topic, side by side ─▶ write ─▶ publish`. */
export function buildResearchGraph(workshop: Workshop, checkpointer: BaseCheckpointSaver) {
  const { db, journal, model } = workshop;
  const publish = createPublishTool(db, journal);
  return new StateGraph(Research)
    .addNode("plan", async ({ question }) => {
      const answer = await model.invoke([
        new SystemMessage(PLAN_PROMPT),
        new HumanMessage(question),
      ]);
      const topics = answer.text.split(";").map((topic) => topic.trim());
      return { topics, bill: billOf(answer) };
    })
    .addNode("research", buildTopicGraph(workshop))
    .addNode("write", async ({ notes: found }) => {
      // Side by side, one topic is done before another one in each run anew.
      const prompt = new HumanMessage(found.toSorted().join("\n"));
      const answer = await model.invoke([new SystemMessage(REPORT_PROMPT), prompt]);
      return { report: answer.text, bill: billOf(answer) };
    })
    .addNode("publish", async ({ report }, config: LangGraphRunnableConfig) => ({
      published: await publish.invoke({ report }, config),
    }))
    .addEdge(START, "plan")
    .addConditionalEdges("plan", ({ topics }) =>
      topics.map((topic) => new Send("research", { topic })),
    )
    .addEdge("research", "write")
    .addEdge("write", "publish")
    .addEdge("publish", END)
    .compile({ checkpointer, name: "research" });
}

/** The graph that {@link buildResearchGraph} builds. */
export type ResearchGraph = ReturnType<typeof buildResearchGraph>;
