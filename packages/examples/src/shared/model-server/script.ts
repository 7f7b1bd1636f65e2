import type { ChatMessage } from "./chat-protocol.ts";

/** What a scripted model says: words, or one tool call. */
export type ScriptedReply =
  | { kind: "text"; text: string }
  | { kind: "tool-call"; name: string; args: Record<string, unknown> };

/**
 * A scripted model's reply, decided from the conversation alone: whoever repeats a request gets the
 * same answer, so a script can neither hide nor provoke a repetition. `undefined` where it has
 * nothing to say.
 */
export type Script = (messages: readonly ChatMessage[]) => ScriptedReply | undefined;
