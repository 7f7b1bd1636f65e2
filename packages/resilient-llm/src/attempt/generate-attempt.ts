import { AIMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { AttemptOutcome } from "../call/attempt-outcome.ts";
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

/** Asks a candidate once for a whole answer. Never rejects. */
export async function attemptGenerate(
  request: AttemptRequest,
): Promise<AttemptOutcome<ChatResult>> {
  const { candidate, clock, signal } = request;
  const { scope, watch } = openAttempt(request, false, () => undefined);
  const measure = (usage: TokenUsage) => ({
    usage,
    durationMs: clock.now() - scope.startedAtMs,
    firstTokenMs: undefined,
  });
  let complete = false;
  try {
    const result = await scope.race(
      candidate.inner.generate(request.messages, request.options, watch),
    );
    complete = true;
    const [generation] = result.generations;
    if (!generation) {
      const { model, baseUrl } = candidate.endpoint;
      const message = `${model} at ${baseUrl} answered without choices`;
      return {
        status: "failed",
        failure: { kind: "invalid-response", message },
        ...measure(noUsage),
      };
    }
    const usage = measureUsage(request, result);
    const facts = readFacts(generation.message, generation.generationInfo);
    const failure = judgeFinish(facts.finishReason, candidate.endpoint);
    if (failure) return { status: "failed", failure, ...measure(usage) };
    const exhaustedForMs = watch.headers && readExhaustionMs(watch.headers, clock.now());
    return { status: "succeeded", value: result, facts, exhaustedForMs, ...measure(usage) };
  } catch (error) {
    if (signal?.aborted) return { status: "aborted", reason: signal.reason, ...measure(noUsage) };
    const failure =
      scope.failure ?? watch.failure ?? classifyError(error, candidate.endpoint, clock.now());
    return { status: "failed", failure, ...measure(noUsage) };
  } finally {
    scope.close(complete);
  }
}
