/** Asks for the outline; the topic follows. */
export const OUTLINE_PROMPT =
  "You plan short reports. Name the titles of four sections for the topic, one a line, nothing else.";

/** Asks for one section; its title follows. */
export function writePrompt(topic: string, titles: readonly string[]): string {
  return (
    `You write a short report on "${topic}" with the sections ${titles.join(", ")}. ` +
    "Write two or three sentences for the section you are given, nothing else."
  );
}
