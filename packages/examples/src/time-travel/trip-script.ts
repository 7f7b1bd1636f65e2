import type { BaseMessage } from "@langchain/core/messages";

/** Asks for a trip; what the traveller said follows. */
export const SUGGEST_PROMPT =
  "Suggest one short trip for a weekend in one sentence. Mind what the traveller has said so far.";

/** Asks for the last word. */
export const CONFIRM_PROMPT = "Confirm the trip that the traveller has approved, in one sentence.";

const TRIPS = [
  "By night train to Vienna, with a day for its museums.",
  "By bicycle along the Danube, with a night at an inn.",
  "By boat to the islands, with a tent.",
];

/** Suggests the next trip after each "no". */
export function tripScript(messages: readonly BaseMessage[]): string {
  const refusals = messages.filter(({ text }) => /^no\b/iu.test(text)).length;
  const trip = TRIPS[refusals % TRIPS.length]!;
  return messages[0]?.text === CONFIRM_PROMPT ? `Confirmed: ${trip}` : trip;
}
