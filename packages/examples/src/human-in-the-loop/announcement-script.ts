import type { BaseMessage } from "@langchain/core/messages";

/** Asks for a draft; the topic and what the editor has said so far follow. */
export const DRAFT_PROMPT =
  "Draft a one-sentence announcement on the topic. Mind what the editor has said so far.";

const DRAFTS = ["We are happy to announce: %.", "News in short: %.", "Now available: %."];

/** Drafts anew after each refusal. */
export function announcementScript(messages: readonly BaseMessage[]): string {
  const topic = messages[1]?.text ?? "nothing";
  const refusals = messages.length - 2;
  return DRAFTS[Math.max(refusals, 0) % DRAFTS.length]!.replace("%", topic);
}
