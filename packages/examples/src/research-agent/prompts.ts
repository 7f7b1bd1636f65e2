/** Asks for the plan. */
export const PLAN_PROMPT =
  "Name three topics to look into for this question. Answer with the topics only, with semicolons between them.";

/** Asks for a search and then for a note. */
export const NOTE_PROMPT =
  "Search for this topic once. Then say in one sentence what you have found.";

/** Asks for the report. */
export const REPORT_PROMPT = "Write a report of a few sentences from these notes.";
