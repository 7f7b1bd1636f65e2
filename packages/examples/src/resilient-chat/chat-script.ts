import type { BaseMessage } from "@langchain/core/messages";

/** Says what it was told, so that it shows whether the conversation was kept. */
export function chatScript(messages: readonly BaseMessage[]): string {
  const said = messages
    .filter((message) => message.type === "human")
    .map((message) => JSON.stringify(message.text));
  const now = `You said: ${said.at(-1)}.`;
  return said.length === 1
    ? `${now} I am a script; with a key, a model would answer.`
    : `${now} That is message ${said.length} of this conversation; it began with ${said[0]}.`;
}
