import { AIMessage } from "@langchain/core/messages";
import type { ChatResult } from "@langchain/core/outputs";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import { attemptGenerate } from "../attempt/generate-attempt.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";
import { Call } from "../call/call.ts";
import type { CallRequest } from "../call/call-request.ts";
import type { SharedState } from "../call/shared-state.ts";
import { setUsageMetadata } from "../cost/usage-metadata.ts";
import type { PartialAnswer } from "../errors/model-call-error.ts";
import { AnswerRepair } from "./answer-repair.ts";
import { CutAnswer } from "./cut-answer.ts";
import { hedge, type RunningAttempt, type StartAttempt } from "./hedge.ts";
import type { JournaledCall } from "./journaled-call.ts";
import { LastResort } from "./last-resort.ts";
import {
  describeResilience,
  type AnswerSummary,
  type ResilienceMetadata,
} from "./resilience-metadata.ts";

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

/** Writes down an answer that comes as a stream, until it is no text that could be continued. */
function writeDown(journaled: JournaledCall): (partial: PartialAnswer) => void {
  let written = 0;
  return ({ hasToolCalls, text }) => {
    if (hasToolCalls) journaled.forget();
    else journaled.note(text.slice(written));
    written = text.length;
  };
}

interface Answered extends AnswerSummary {
  readonly value: ChatResult;
}

/** Adds to the messages of an answer how it was got. */
function addMetadata(
  call: Call,
  answered: Answered,
  origin: Pick<ResilienceMetadata, "resumed" | "pickedUp"> = {},
): ChatResult {
  const { usage, value } = answered;
  for (const { message } of value.generations) {
    const resilience = {
      ...describeResilience(call.records, answered),
      ...origin,
    };
    message.response_metadata = { ...message.response_metadata, resilience };
    if (usage && AIMessage.isInstance(message)) setUsageMetadata(message, usage);
  }
  return value;
}

/**
 * Gets a whole answer, over as many attempts as it takes.
 *
 * @param journaled Has what an earlier process was told of the answer, and hears of what is asked.
 */
export async function runGenerate(
  shared: SharedState,
  request: CallRequest,
  journaled?: JournaledCall,
): Promise<ChatResult> {
  const repair = request.check && new AnswerRepair(request.check);
  const call = new Call(shared, { ...request, check: repair });
  const acceptsLast = repair?.acceptsLast ?? true;
  if (journaled?.preferred !== undefined) call.prefer(journaled.preferred);
  let cut = new CutAnswer(call, journaled?.textToContinue);
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
    if (!cut.isContinued) journaled?.forget();
    journaled?.asks(attempt);
    const keeping = cut.isContinued ? undefined : journaled?.keep(candidate.name);
    const outcome = await generateOnce(
      call,
      journaled && keeping ? { ...attempt, onPartial: writeDown(journaled), keeping } : attempt,
      !cut.isContinued && journaled?.preferred === undefined,
    );
    if (outcome.status === "aborted") {
      if (!keeping?.isLost) throw outcome.reason;
      journaled?.fallBackToPart();
      cut = new CutAnswer(call, journaled?.textToContinue);
      continue;
    }
    if (outcome.status === "succeeded") {
      const value = cut.complete(candidate, outcome.value);
      if (value) {
        return addMetadata(
          call,
          { ...outcome, value },
          {
            ...(cut.isResumed ? { resumed: true } : {}),
            ...(journaled?.isPickedUp ? { pickedUp: true } : {}),
          },
        );
      }
      continue;
    }
    journaled?.attemptFailed();
    const { empty, failure, partial, usage } = outcome;
    if (partial) cut.keep(candidate, partial, failure);
    lastResort.note(empty && { ...empty, usage });
  }
}
