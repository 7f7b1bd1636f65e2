import type { BaseMessage } from "@langchain/core/messages";
import type { Candidate } from "../candidate/candidate.ts";
import type { CallOptions } from "../candidate/inner-model.ts";
import type { Clock } from "../time/clock.ts";
import type { WireWatch } from "../wire/wire-watch.ts";
import { AttemptScope, type AttemptLimits } from "./attempt-scope.ts";

/** Everything one attempt needs. */
export interface AttemptRequest {
  readonly candidate: Candidate;
  readonly messages: BaseMessage[];
  readonly options: CallOptions;
  readonly limits: AttemptLimits;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
}

/** Opens the scope of an attempt and the watch that reports to it. */
export function openAttempt(
  request: AttemptRequest,
  streaming: boolean,
  onProgress: () => void,
): { readonly scope: AttemptScope; readonly watch: WireWatch } {
  const { candidate, clock, limits, signal } = request;
  const firstStreamPhase = candidate.inner.watched ? "connect" : "first-token";
  const scope = new AttemptScope({
    clock,
    limits,
    endpoint: candidate.endpoint,
    // Without a watch nobody sees the headers come; without a stream they come with the answer.
    firstPhase: streaming ? firstStreamPhase : "total",
    outer: signal,
  });
  const watch: WireWatch = {
    endpoint: candidate.endpoint,
    streaming,
    clock,
    signal: scope.signal,
    onHeaders: () => scope.reachHeaders(),
    onProgress: () => {
      scope.reachContent();
      onProgress();
    },
  };
  return { scope, watch };
}
