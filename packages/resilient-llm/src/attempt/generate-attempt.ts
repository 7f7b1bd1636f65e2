import { AIMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { AttemptEnding, AttemptOutcome } from "./attempt-outcome.ts";
import { estimatePromptTokens, estimateMessageTokens } from "../context/estimate-tokens.ts";
import { noUsage, readUsage, type TokenUsage } from "../cost/token-usage.ts";
import { classifyError } from "../failure/classify-error.ts";
import { readExhaustionMs } from "../failure/wait-hint.ts";
import { openAttempt, type AttemptRequest } from "./attempt-request.ts";
import { judgeFinish, readFacts } from "./judge-finish.ts";

function measureUsage(request: AttemptRequest, result: ChatResult): TokenUsage {
  const message = result.generations[0]?.message;
  const reported = AIMessage.isInstance(message) ? readUsage(message.usage_metadata) : undefined;
  return (
    reported ?? {
      ...noUsage,
      inputTokens: estimatePromptTokens(request.messages),
      outputTokens: result.generations.reduce(
        (total, generation) => total + estimateMessageTokens(generation.message),
        0,
      ),
      estimated: true,
    }
  );
}

/** What an answer that has come is worth. */
function judgeResult(
  { candidate }: AttemptRequest,
  result: ChatResult,
  headers: Headers | undefined,
  nowMs: number,
): AttemptEnding<ChatResult> {
  const [generation] = result.generations;
  if (!generation) {
    const { model, baseUrl } = candidate.endpoint;
    const message = `${model} at ${baseUrl} answered without choices`;
    return { status: "failed", failure: { kind: "invalid-response", message } };
  }
  const facts = readFacts(generation.message, generation.generationInfo);
  const failure = judgeFinish(facts.finishReason, candidate.endpoint);
  if (failure) return { status: "failed", failure };
  const exhaustedForMs = headers && readExhaustionMs(headers, nowMs);
  return { status: "succeeded", value: result, facts, exhaustedForMs };
}

/**
 * Asks a candidate once for a whole answer. Never rejects on its own.
 *
 * @param onEnd Told how it ended, once, before the promise settles.
 */
export async function attemptGenerate(
  request: AttemptRequest,
  onEnd: (outcome: AttemptOutcome<ChatResult>) => void,
): Promise<AttemptOutcome<ChatResult>> {
  const { candidate, clock, messages, options, signal } = request;
  const { scope, watch } = openAttempt(request, false, () => undefined);
  let ending: AttemptEnding<ChatResult>;
  let usage = noUsage;
  let endedAtMs: number;
  try {
    const result = await scope.race(candidate.inner.generate(messages, options, watch));
    scope.close(true);
    endedAtMs = clock.now();
    ending = judgeResult(request, result, watch.headers, endedAtMs);
    if (result.generations.length > 0) usage = measureUsage(request, result);
  } catch (error) {
    scope.close(false);
    endedAtMs = clock.now();
    ending = signal?.aborted
      ? { status: "aborted", reason: signal.reason }
      : {
          status: "failed",
          failure:
            scope.failure ?? watch.failure ?? classifyError(error, candidate.endpoint, endedAtMs),
        };
  }
  const durationMs = endedAtMs - scope.startedAtMs;
  const outcome = { ...ending, usage, durationMs, firstTokenMs: undefined };
  onEnd(outcome);
  return outcome;
}
