import { AnswerCollector } from "./answer-collector.ts";
import type { InspectedBody } from "./inspect-json-body.ts";
import { inspectJsonBody } from "./inspect-json-body.ts";
import { SseInspector } from "./sse-inspector.ts";
import type { WireWatch } from "./wire-watch.ts";

/** Whether a body begins as a stream of events does. */
export function looksLikeStream(text: string): boolean {
  return /^\s*(?:data|event|id|retry)?:/.test(text);
}

/** Judges a stream that came, or was asked for, in place of a whole answer, and makes it one. */
export function collectStream(text: string, watch: WireWatch): InspectedBody {
  const collector = new AnswerCollector();
  const inspector = new SseInspector(watch, (frame) => collector.add(frame));
  const { failure } = inspector.push(text);
  const outcome = failure ?? inspector.end().failure;
  return outcome ? { failure: outcome } : inspectJsonBody(collector.toBody(), watch);
}
