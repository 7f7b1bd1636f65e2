import type { BaseMessage } from "@langchain/core/messages";
import { FACTS_HEADING, NO_FACTS, NOTE_PROMPT } from "./prompts.ts";

/** Takes each sentence about the speaker for a fact, and answers questions with all facts it has. */
export function chatScript(messages: readonly BaseMessage[]): string {
  const system = messages[0]?.text ?? "";
  const said = messages.at(-1)?.text ?? "";
  if (system === NOTE_PROMPT) {
    const facts = said.match(/\b(I|My)\s[^.!?]*(?=[.!]|$)/g) ?? [];
    return facts.length === 0 ? NO_FACTS : facts.join("\n");
  }
  const [, known = ""] = system.split(FACTS_HEADING);
  const facts = known.split("\n").filter((line) => line.startsWith("- "));
  if (!said.includes("?"))
    return "I see. I will keep that in mind, in this conversation and in others.";
  return facts.length === 0
    ? "I don't know: you have told me nothing about yourself yet."
    : `I am a script, but I know what you have told me: ${facts.map((fact) => fact.slice(2)).join("; ")}.`;
}
