import type { BaseMessage } from "@langchain/core/messages";
import { NOTE_PROMPT, PLAN_PROMPT, REPORT_PROMPT } from "./prompts.ts";
import type { Reply } from "./scripted-model.ts";

const TOPICS = "solar power; wind power; tidal power";

/** Plans three topics, searches for each, notes what it found, and reports. */
export function researchScript(messages: readonly BaseMessage[]): Reply {
  const prompt = messages[0]?.text;
  const last = messages.at(-1);
  if (prompt === PLAN_PROMPT) return TOPICS;
  if (prompt === REPORT_PROMPT) return `In short: ${last?.text.replaceAll("\n", " ")}`;
  if (prompt === NOTE_PROMPT && last?.type === "human") {
    return { tool: "search", args: { query: last.text } };
  }
  return `Noted: ${last?.text}`;
}
