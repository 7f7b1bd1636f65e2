/** Stands before what is known of the user. */
export const FACTS_HEADING = "What you know of the user from this and earlier conversations:";

/** What the model says if a message tells nothing worth keeping. */
export const NO_FACTS = "NONE";

/** Asks for what is worth keeping of a message. */
export const NOTE_PROMPT =
  "You take notes for an assistant. List what the message tells about its author that will still be " +
  "true in a month: name, home, work, likes, plans. One short sentence a line, nothing else. If there " +
  `is nothing of the kind, say ${NO_FACTS}.`;

/** Asks for an answer. */
export function answerPrompt(facts: readonly string[]): string {
  const known = facts.length === 0 ? "nothing yet" : facts.map((fact) => `- ${fact}`).join("\n");
  return `You are an assistant in a terminal. Answer briefly, in plain text.\n\n${FACTS_HEADING}\n${known}`;
}
