import { AIMessageChunk } from "@langchain/core/messages";
import type { ChatGenerationChunk } from "@langchain/core/outputs";
import type { AnswerFacts, AttemptOutcome } from "./attempt-outcome.ts";
import { estimatePromptTokens, estimateTextTokens } from "../context/estimate-tokens.ts";
import { addUsage, noUsage, readUsage, type TokenUsage } from "../cost/token-usage.ts";
import { classifyError } from "../failure/classify-error.ts";
import { readExhaustionMs } from "../failure/wait-hint.ts";
import { openAttempt, type AttemptRequest } from "./attempt-request.ts";
import { judgeFinish, readFacts } from "./judge-finish.ts";

/** Follows the chunks of one streamed answer. */
class StreamTally {
  text = "";
  /** Text that counts as output but isn't part of the answer: arguments, reasoning. */
  otherText = "";
  hasToolCalls = false;
  reported: TokenUsage | undefined;
  facts: AnswerFacts = { finishReason: undefined, responseId: undefined, responseModel: undefined };

  add(chunk: ChatGenerationChunk): void {
    const { message } = chunk;
    this.text += chunk.text;
    const { finishReason, responseId, responseModel } = readFacts(message, chunk.generationInfo);
    this.facts = {
      finishReason: finishReason ?? this.facts.finishReason,
      responseId: this.facts.responseId ?? responseId,
      responseModel: responseModel ?? this.facts.responseModel,
    };
    if (!AIMessageChunk.isInstance(message)) return;
    for (const call of message.tool_call_chunks ?? []) {
      this.hasToolCalls = true;
      this.otherText += `${call.name ?? ""}${call.args ?? ""}`;
    }
    const { reasoning_content: reasoning } = message.additional_kwargs;
    if (typeof reasoning === "string") this.otherText += reasoning;
    const usage = readUsage(message.usage_metadata);
    if (usage) this.reported = this.reported ? addUsage(this.reported, usage) : usage;
  }

  get hasContent(): boolean {
    return this.text !== "" || this.otherText !== "" || this.hasToolCalls;
  }
}

/**
 * Asks a candidate once for a streamed answer: yields its chunks as they come and returns how it
 * ended. Never throws on its own; when the consumer stops early, the request is aborted.
 *
 * @param onEnd Told how it ended in every case, also when the consumer stops early.
 */
export async function* attemptStream(
  request: AttemptRequest,
  onEnd: (outcome: AttemptOutcome<undefined>) => void,
): AsyncGenerator<ChatGenerationChunk, AttemptOutcome<undefined>> {
  const { candidate, clock, signal } = request;
  let firstTokenAtMs: number | undefined;
  const { scope, watch } = openAttempt(request, true, () => {
    firstTokenAtMs ??= clock.now();
  });
  const tally = new StreamTally();
  const chunks = candidate.inner.stream(request.messages, request.options, watch);
  const measure = () => ({
    usage:
      tally.reported ??
      // Tokens are paid for from the first one on, reported or not.
      (tally.hasContent
        ? {
            ...noUsage,
            inputTokens: estimatePromptTokens(request.messages),
            outputTokens: estimateTextTokens(tally.text) + estimateTextTokens(tally.otherText),
            estimated: true,
          }
        : noUsage),
    durationMs: clock.now() - scope.startedAtMs,
    firstTokenMs: firstTokenAtMs === undefined ? undefined : firstTokenAtMs - scope.startedAtMs,
  });
  const fail = (error: unknown): AttemptOutcome<undefined> => {
    if (signal?.aborted) return { status: "aborted", reason: signal.reason, ...measure() };
    const failure =
      scope.failure ?? watch.failure ?? classifyError(error, candidate.endpoint, clock.now());
    const partial = tally.hasContent
      ? { partial: { text: tally.text, hasToolCalls: tally.hasToolCalls } }
      : {};
    return { status: "failed", failure, ...partial, ...measure() };
  };

  let outcome: AttemptOutcome<undefined> | undefined;
  try {
    for (;;) {
      const step = await scope.race(chunks.next());
      if (step.done) break;
      tally.add(step.value);
      if (!candidate.inner.watched) watch.onProgress();
      const failure = judgeFinish(tally.facts.finishReason, candidate.endpoint);
      if (failure) {
        watch.failure = failure;
        outcome = fail(undefined);
        return outcome;
      }
      scope.pause();
      yield step.value;
      scope.resume();
    }
    // Aborted or failed streams may end as quietly as complete ones.
    if (signal?.aborted || scope.failure || watch.failure) {
      outcome = fail(undefined);
      return outcome;
    }
    if (!tally.hasContent && tally.facts.finishReason === undefined && !tally.reported) {
      const { model, baseUrl } = candidate.endpoint;
      watch.failure = {
        kind: "invalid-response",
        message: `${model} at ${baseUrl} streamed an empty answer`,
      };
      outcome = fail(undefined);
      return outcome;
    }
    outcome = {
      status: "succeeded",
      value: undefined,
      facts: tally.facts,
      exhaustedForMs: watch.headers && readExhaustionMs(watch.headers, clock.now()),
      ...measure(),
    };
    return outcome;
  } catch (error) {
    outcome = fail(error);
    return outcome;
  } finally {
    scope.close(outcome?.status === "succeeded");
    // Not awaited: a stalled generator would hold up the caller's abort.
    chunks.return(undefined).catch(() => undefined);
    onEnd(
      outcome ?? {
        status: "aborted",
        reason: new Error("The consumer stopped reading"),
        ...measure(),
      },
    );
  }
}
