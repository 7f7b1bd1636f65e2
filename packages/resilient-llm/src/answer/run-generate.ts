import { AIMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import { attemptGenerate } from "../attempt/generate-attempt.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";
import { Call } from "../call/call.ts";
import type { CallRequest } from "../call/call-request.ts";
import type { SharedState } from "../call/shared-state.ts";
import { setUsageMetadata } from "../cost/usage-metadata.ts";
import { AnswerRepair } from "./answer-repair.ts";
import { CutAnswer } from "./cut-answer.ts";
import { hedge, type RunningAttempt, type StartAttempt } from "./hedge.ts";
import { LastResort } from "./last-resort.ts";
import { describeResilience, type AnswerSummary } from "./resilience-metadata.ts";

interface RunningGenerate extends RunningAttempt {
  readonly outcome: Promise<AttemptOutcome<ChatResult>>;
}

const startGenerate: StartAttempt<RunningGenerate> = (attempt, signal, onEnd) => {
  const outcome = attemptGenerate(attempt, signal, onEnd);
  return {
    outcome,
    answers: outcome.then(({ status }) => status === "succeeded"),
    end: () => outcome,
  };
};

/**
 * Makes an attempt at a whole answer, hedged if the options say so, and books how it ended.
 *
 * @param mayHedge It is not asked to continue an answer. Each candidate is asked for that in its own way.
 */
function generateOnce(
  call: Call,
  attempt: PreparedAttempt,
  mayHedge: boolean,
): Promise<AttemptOutcome<ChatResult>> {
  if (mayHedge && call.isHedged)
    return hedge(call, attempt, startGenerate).then(({ outcome }) => outcome);
  return attemptGenerate(attempt, call.request.signal, (outcome) => call.finish(attempt, outcome));
}

interface Answered extends AnswerSummary {
  readonly value: ChatResult;
}

/** Adds to the messages of an answer how it was got. */
function addMetadata(call: Call, answered: Answered): ChatResult {
  const { usage, value } = answered;
  for (const { message } of value.generations) {
    const resilience = describeResilience(call.records, answered);
    message.response_metadata = { ...message.response_metadata, resilience };
    if (usage && AIMessage.isInstance(message)) setUsageMetadata(message, usage);
  }
  return value;
}

/** Gets a whole answer, over as many attempts as it takes. */
export async function runGenerate(shared: SharedState, request: CallRequest): Promise<ChatResult> {
  const repair = request.check && new AnswerRepair(request.check);
  const call = new Call(shared, { ...request, check: repair });
  const acceptsLast = repair?.acceptsLast ?? true;
  const cut = new CutAnswer(call);
  const lastResort = new LastResort<Answered>();
  for (;;) {
    const attempt = await call.prepare(
      cut.isContinued ? (candidate) => cut.ask(candidate) : repair && (() => repair.addition),
    );
    if (attempt instanceof Error) {
      if (repair?.lastResult) return repair.lastResult;
      if (lastResort.answer && acceptsLast) return addMetadata(call, lastResort.answer);
      throw repair?.explain(attempt) ?? attempt;
    }
    const { candidate } = attempt;
    const outcome = await generateOnce(call, attempt, !cut.isContinued);
    if (outcome.status === "aborted") throw outcome.reason;
    if (outcome.status === "succeeded") {
      const value = cut.complete(candidate, outcome.value);
      if (value) return addMetadata(call, { ...outcome, value });
      continue;
    }
    const { empty, failure, partial, usage } = outcome;
    if (partial) cut.keep(candidate, partial, failure);
    lastResort.note(empty && { ...empty, usage });
  }
}
