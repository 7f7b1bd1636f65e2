import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { Annotation, END, START, StateGraph } from "@langchain/langgraph";
import { durableSleep, waitForAnswer } from "@threadkeep/checkpoint-mongo/runs";
import { DRAFT_PROMPT } from "./announcement-script.ts";

const Announcement = Annotation.Root({
  topic: Annotation<string>,
  /** What the editor has said to earlier drafts. */
  refusals: Annotation<string[]>({
    reducer: (before, more) => before.concat(more),
    default: () => [],
  }),
  draft: Annotation<string>,
  /** How often the editor was reminded of this draft. */
  reminders: Annotation<number>,
  verdict: Annotation<"approved" | "refused" | "silent" | "expired">,
});

/** How the editor is asked, and what happens then. */
export interface Desk {
  /** How long the editor has before a reminder, and before the end after the last one. */
  readonly patienceMs: number;
  readonly maxReminders: number;
  /** How long an approved announcement is held back, so that it can still be cancelled. */
  readonly holdBackMs: number;
  /** Tells the editor that an answer is missing. */
  remind(runId: string, draft: string, reminder: number): Promise<void>;
  /** Publishes. It is called again if the process dies meanwhile, with the same run id. */
  publish(runId: string, draft: string): Promise<void>;
}

/**
 * `write_draft ─▶ ask ─▶ hold_back ─▶ publish`. A refusal leads back to `write_draft`, silence to `remind` and back to
 * `ask`, and too much of it to the end. While it asks and holds back, no process is needed.
 */
export function buildAnnouncementGraph(model: BaseChatModel, desk: Desk) {
  return new StateGraph(Announcement)
    .addNode("write_draft", async ({ topic, refusals }) => {
      const said = [topic, ...refusals].map((text) => new HumanMessage(text));
      const { text } = await model.invoke([new SystemMessage(DRAFT_PROMPT), ...said]);
      return { draft: text, reminders: 0 };
    })
    .addNode("ask", ({ draft, reminders }) => {
      const question = { draft, reminders };
      const answer = waitForAnswer<string>(question, { timeoutMs: desk.patienceMs });
      if (!answer.isAnswered) {
        return {
          verdict: reminders < desk.maxReminders ? ("silent" as const) : ("expired" as const),
        };
      }
      if (/^yes\b/iu.test(answer.value)) return { verdict: "approved" as const };
      return { verdict: "refused" as const, refusals: [answer.value] };
    })
    .addNode("remind", async ({ draft, reminders }, config) => {
      await desk.remind(readRunId(config), draft, reminders + 1);
      return { reminders: reminders + 1 };
    })
    .addNode("hold_back", () => {
      durableSleep(desk.holdBackMs);
      return {};
    })
    .addNode("publish", async ({ draft }, config) => {
      await desk.publish(readRunId(config), draft);
      return {};
    })
    .addEdge(START, "write_draft")
    .addEdge("write_draft", "ask")
    .addConditionalEdges("ask", ({ verdict }) => NEXT[verdict])
    .addEdge("remind", "ask")
    .addEdge("hold_back", "publish")
    .addEdge("publish", END)
    .compile({ name: "announcement" });
}

const NEXT = {
  approved: "hold_back",
  refused: "write_draft",
  silent: "remind",
  expired: END,
} as const;

function readRunId(config: object): string {
  return (config as { readonly configurable: { readonly run_id: string } }).configurable.run_id;
}
