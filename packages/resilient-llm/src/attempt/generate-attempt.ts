import type { BaseMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { Candidate } from "../candidate/candidate.ts";
import type { CallOptions } from "../candidate/inner-model.ts";
import type { TokenUsage } from "../cost/token-usage.ts";
import { readExhaustionMs } from "../failure/wait-hint.ts";
import type { AttemptInterruption, AttemptOutcome, AttemptSuccess } from "./attempt-outcome.ts";
import { AttemptScope } from "./attempt-scope.ts";
import { checkAnswer } from "./check-answer.ts";
import { carriesAnswer, judgeEmptiness } from "./judge-emptiness.ts";
import { judgeFinish, readFacts } from "./judge-finish.ts";
import { markSimulated } from "./mark-simulated.ts";
import { measureCutUsage, measureResultUsage } from "./measure-usage.ts";
import type { PreparedAttempt } from "./prepared-attempt.ts";
import { readUnparsedResult } from "./read-unparsed-result.ts";

/** Whether what has come is an answer. */
function judgeResult(
  { endpoint, headers, refusal }: AttemptScope,
  result: ChatResult,
  acceptsEmpty: boolean,
  nowMs: number,
): AttemptSuccess<ChatResult> | AttemptInterruption<ChatResult> {
  const [generation] = result.generations;
  if (!generation) {
    const message = `${endpoint.model} at ${endpoint.baseUrl} answered without choices`;
    return { status: "failed", failure: { kind: "invalid-response", message } };
  }
  const facts = readFacts(generation.message, generation.generationInfo);
  const failure = judgeFinish(facts.finishReason, endpoint);
  if (failure) return { status: "failed", failure };
  if (refusal !== undefined) generation.message.additional_kwargs["refusal"] = refusal;
  if (!acceptsEmpty && !carriesAnswer(generation.message)) {
    const emptiness = judgeEmptiness(facts.finishReason, endpoint);
    const empty = { value: result, facts };
    if (emptiness) return { status: "failed", failure: emptiness, empty };
  }
  const exhaustedForMs = headers && readExhaustionMs(headers, nowMs);
  return { status: "succeeded", value: result, facts, exhaustedForMs };
}

async function generate(
  { inner }: Candidate,
  messages: BaseMessage[],
  options: CallOptions,
  scope: AttemptScope,
): Promise<ChatResult> {
  try {
    return await inner.generate(messages, options, scope);
  } catch (error) {
    const result = readUnparsedResult(error, scope.body);
    if (!result) throw error;
    return result;
  }
}

/** Adds to a failure what had come of the answer. */
function addPartial(
  ending: AttemptInterruption<never>,
  { collected }: AttemptScope,
): AttemptInterruption<never> {
  if (ending.status !== "failed" || !collected) return ending;
  const { partial } = collected;
  return partial.text === "" && !partial.hasToolCalls ? ending : { ...ending, partial };
}

/**
 * Asks a candidate once for a whole answer. Never rejects by itself.
 *
 * @param signal The caller's, or one that also ends the attempt when another one is quicker.
 * @param onEnd Told once how the attempt ended, before the promise settles.
 */
export async function attemptGenerate(
  attempt: PreparedAttempt,
  signal: AbortSignal | undefined,
  onEnd: (outcome: AttemptOutcome<ChatResult>) => void,
): Promise<AttemptOutcome<ChatResult>> {
  const { acceptsEmpty, candidate, clock, messages, options } = attempt;
  const scope = new AttemptScope(attempt, signal);
  let ending: AttemptSuccess<ChatResult> | AttemptInterruption<ChatResult>;
  let usage: TokenUsage | undefined;
  let endedAtMs: number;
  try {
    const result = await scope.race(generate(candidate, messages, options, scope));
    scope.close(true);
    endedAtMs = clock.now();
    ending = judgeResult(scope, result, acceptsEmpty, endedAtMs);
    if (ending.status === "succeeded") {
      ending = (await checkAnswer(attempt, result.generations[0]?.message)) ?? ending;
    }
    usage = measureResultUsage(messages, result, scope);
  } catch (error) {
    scope.close(false);
    endedAtMs = clock.now();
    ending = addPartial(scope.explain(error), scope);
    usage = measureCutUsage(messages, scope);
  }
  const durationMs = endedAtMs - scope.startedAtMs;
  const measured = { ...ending, usage, durationMs, firstTokenMs: scope.firstTokenMs };
  const outcome = markSimulated(measured, scope.simulatedFault);
  onEnd(outcome);
  return outcome;
}
