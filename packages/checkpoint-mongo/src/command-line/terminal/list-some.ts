import { escapeControls } from "./escape-controls.ts";

/** Threads that are named in one message. */
const MAX_NAMES = 10;

/** Names threads in a message, and not too many of them. */
export function listSome(threadIds: readonly string[]): string {
  const names = threadIds.slice(0, MAX_NAMES).map((threadId) => escapeControls(threadId));
  return [...names, ...(threadIds.length > MAX_NAMES ? ["…"] : [])].join(", ");
}
