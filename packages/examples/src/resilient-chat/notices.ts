import type { ResilienceEvent } from "@threadkeep/resilient-llm";

/** A line for an event that the user should know of; `undefined` for the others. */
export function describeEvent(event: ResilienceEvent): string | undefined {
  switch (event.type) {
    case "attempt-failed":
      return event.failure.message;
    case "retry":
      return `asking ${event.candidate} again in ${(event.delayMs / 1000).toFixed(1)} s`;
    case "fallback":
      return `falling back to ${event.to}`;
    case "stream-continued":
      return "the answer broke off; asking for the rest";
    default:
      return undefined;
  }
}
