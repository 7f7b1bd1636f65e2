import { messageText, type ChatMessage } from "../shared/model-server/chat-protocol.ts";
import type { ScriptedReply } from "../shared/model-server/script.ts";

/** Says what it was told, so that it shows whether the conversation was kept. */
export function chatScript(messages: readonly ChatMessage[]): ScriptedReply {
  const said = messages.filter(({ role }) => role === "user").map(messageText);
  const now = `You said: ${quote(said.at(-1))}.`;
  return {
    kind: "text",
    text:
      said.length === 1
        ? `${now} I am a script; with a key, a model would answer.`
        : `${now} That is message ${said.length} of this conversation; it began with ${quote(said[0])}.`,
  };
}

function quote(text = ""): string {
  return JSON.stringify(text);
}
