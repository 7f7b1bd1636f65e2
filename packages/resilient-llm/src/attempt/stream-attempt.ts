import { AIMessageChunk } from "@langchain/core/messages";
import { ChatGenerationChunk } from "@langchain/core/outputs";
import { concat } from "@langchain/core/utils/stream";
import { setUsageMetadata } from "../cost/usage-metadata.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import type { Failure } from "../failure/failure.ts";
import { readExhaustionMs } from "../failure/wait-hint.ts";
import type { AttemptInterruption, AttemptOutcome, AttemptSuccess } from "./attempt-outcome.ts";
import { AttemptScope } from "./attempt-scope.ts";
import { checkAnswer } from "./check-answer.ts";
import { judgeEmptiness } from "./judge-emptiness.ts";
import { judgeFinish } from "./judge-finish.ts";
import { markSimulated } from "./mark-simulated.ts";
import { readStreamUsage } from "./measure-usage.ts";
import type { PreparedAttempt } from "./prepared-attempt.ts";
import { StreamTally } from "./stream-tally.ts";

/** The chunks of one attempt as they come, and how it ended. */
export type AttemptStream = AsyncGenerator<ChatGenerationChunk, AttemptOutcome<undefined>>;

/** Whether a stream that ended quietly is an answer: an aborted or failed one may end as quietly. */
function judgeEnd(
  scope: AttemptScope,
  tally: StreamTally,
  acceptsEmpty: boolean,
): AttemptSuccess<undefined> | AttemptInterruption<undefined> {
  const { clock, endpoint, headers, interruption, refusal } = scope;
  if (interruption) return interruption;
  const { facts } = tally;
  if (!acceptsEmpty && !tally.carriesAnswer && refusal === undefined) {
    const failure = judgeEmptiness(facts.finishReason, endpoint);
    if (failure) return { status: "failed", failure, empty: { value: undefined, facts } };
  }
  return {
    status: "succeeded",
    value: undefined,
    facts,
    exhaustedForMs: headers && readExhaustionMs(headers, clock.now()),
  };
}

function describeBrokenArguments({ endpoint }: AttemptScope): AttemptInterruption<undefined> {
  const { baseUrl, model } = endpoint;
  const message = `${model} at ${baseUrl} called a tool with arguments that are broken JSON`;
  return { status: "failed", failure: { kind: "failed-generation", message } };
}

/** The message that the consumer will have in the end, as far as it has come. */
function joinMessages(
  before: AIMessageChunk | undefined,
  { message }: ChatGenerationChunk,
): AIMessageChunk {
  const next = message as AIMessageChunk;
  return before ? concat(before, next) : next;
}

/** Says the usage as it is read here in the chunk that has LangChain's. */
function correctUsage(
  { message }: ChatGenerationChunk,
  measureUsage: () => TokenUsage | undefined,
): void {
  if (!(message as AIMessageChunk).usage_metadata) return;
  const usage = measureUsage();
  if (usage) setUsageMetadata(message, usage);
}

/** LangChain leaves the refusal of a chat completion out of its chunks. */
function createRefusalChunk(refusal: string): ChatGenerationChunk {
  const message = new AIMessageChunk({ content: "", additional_kwargs: { refusal } });
  return new ChatGenerationChunk({ text: "", message });
}

/**
 * Asks a candidate once for a streamed answer: yields its chunks as they come and returns how it
 * ended. Never throws by itself. When the consumer stops early, the request is aborted.
 *
 * @param signal The caller's, or one that also ends the attempt when another one is quicker.
 * @param onEnd Told once how the attempt ended, also when the consumer stops early.
 */
export async function* attemptStream(
  attempt: PreparedAttempt,
  signal: AbortSignal | undefined,
  onEnd: (outcome: AttemptOutcome<undefined>) => void,
): AttemptStream {
  const { acceptsEmpty, candidate, clock, messages, options } = attempt;
  const { endpoint, inner } = candidate;
  const scope = new AttemptScope(attempt, signal);
  const tally = new StreamTally();
  const chunks = inner.stream(messages, options, scope);
  const measureUsage = (): TokenUsage | undefined =>
    tally.measureUsage(messages, inner.isWatched ? readStreamUsage(scope) : tally.reported);
  const measure = (
    ending: AttemptSuccess<undefined> | AttemptInterruption<undefined>,
  ): AttemptOutcome<undefined> => {
    const measured = {
      ...ending,
      usage: measureUsage(),
      durationMs: clock.now() - scope.startedAtMs,
      firstTokenMs: scope.firstTokenMs,
    };
    return markSimulated(measured, scope.simulatedFault);
  };
  // Who takes the last answer as it is has it already when it is complete: it is not checked.
  const isChecked = attempt.check?.acceptsLast === false;
  let whole: AIMessageChunk | undefined;
  let outcome: AttemptOutcome<undefined> | undefined;
  try {
    let failure: Failure | undefined;
    for (;;) {
      const step = await scope.race(chunks.next());
      if (step.done) break;
      tally.add(step.value);
      if (isChecked) whole = joinMessages(whole, step.value);
      if (!inner.isWatched) scope.onProgress();
      else correctUsage(step.value, measureUsage);
      failure = judgeFinish(tally.facts.finishReason, endpoint);
      if (failure) break;
      scope.pause();
      yield step.value;
      scope.resume();
    }
    let ending = failure
      ? ({ status: "failed", failure } as const)
      : judgeEnd(scope, tally, acceptsEmpty);
    // The check of structured output says it itself, in words for the model.
    const mayBeBroken = ending.status === "succeeded" && inner.isWatched && !isChecked;
    if (mayBeBroken && tally.hasBrokenArguments) ending = describeBrokenArguments(scope);
    if (ending.status === "succeeded" && scope.refusal !== undefined) {
      const refusal = createRefusalChunk(scope.refusal);
      if (isChecked) whole = joinMessages(whole, refusal);
      yield refusal;
    }
    if (ending.status === "succeeded") ending = (await checkAnswer(attempt, whole)) ?? ending;
    outcome = measure(ending);
    return outcome;
  } catch (error) {
    outcome = measure(scope.explain(error));
    return outcome;
  } finally {
    scope.close(outcome?.status === "succeeded");
    // Not awaited: a stalled generator would hold up the caller's abort.
    chunks.return(undefined).catch(() => undefined);
    onEnd(
      outcome ?? measure({ status: "aborted", reason: new Error("The consumer stopped reading") }),
    );
  }
}
