import type { ResilienceEvent } from "@threadkeep/resilient-llm";

/** What a worker tells about one attempt to get an answer from a model. */
export type ModelReport =
  /** `costUsd` is absent where the price is not known. */
  | {
      type: "answered";
      model: string;
      inputTokens: number;
      outputTokens: number;
      costUsd?: number | undefined;
    }
  | { type: "failed"; model: string; reason: string }
  | { type: "retry"; model: string; delayMs: number }
  | { type: "fallback"; from: string; to: string };

/**
 * The part of an event that is worth a line of the timeline; `undefined` for an event that is not
 * worth one.
 */
export function toModelReport(event: ResilienceEvent): ModelReport | undefined {
  switch (event.type) {
    case "attempt-succeeded": {
      const { inputTokens, outputTokens } = event.usage;
      return {
        type: "answered",
        model: event.model,
        inputTokens,
        outputTokens,
        costUsd: event.costUsd,
      };
    }
    case "attempt-failed": {
      const { status, kind, waitHintMs } = event.failure;
      const pause = waitHintMs === undefined ? "" : `, asks for a pause of ${waitHintMs / 1000} s`;
      const reason = status === undefined ? kind : `${kind} (${status})`;
      return { type: "failed", model: event.model, reason: reason + pause };
    }
    case "retry":
      return { type: "retry", model: event.candidate, delayMs: event.delayMs };
    case "fallback":
      return { type: "fallback", from: event.from, to: event.to };
    default:
      return undefined;
  }
}
