import type { BaseMessage } from "@langchain/core/messages";
import { OUTLINE_PROMPT } from "./prompts.ts";

/** Plans four sections, and writes of each what can be written of anything. */
export function reportScript(messages: readonly BaseMessage[]): string {
  const [system, asked] = messages.map((message) => message.text);
  return system === OUTLINE_PROMPT
    ? "Beginnings\nHow it works\nWhat it costs\nWhat comes next"
    : `Much could be said here under the title ${asked}. I am a script, so this must do for now.`;
}
