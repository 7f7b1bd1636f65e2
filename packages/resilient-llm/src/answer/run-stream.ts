import type { ChatGenerationChunk } from "@langchain/core/outputs";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";
import { attemptStream, type AttemptStream } from "../attempt/stream-attempt.ts";
import { hasContent } from "../attempt/streamed-content.ts";
import { Call } from "../call/call.ts";
import type { CallRequest } from "../call/call-request.ts";
import type { SharedState } from "../call/shared-state.ts";
import { toUsageMetadata } from "../cost/usage-metadata.ts";
import { AnswerRepair } from "./answer-repair.ts";
import { BrokenStream } from "./broken-stream.ts";
import { askToContinue } from "./continuation.ts";
import { hedge, type RunningAttempt, type StartAttempt } from "./hedge.ts";
import type { JournaledCall } from "./journaled-call.ts";
import { LastResort } from "./last-resort.ts";
import { describeResilience, type AnswerSummary } from "./resilience-metadata.ts";
import { StreamedAnswer, type ChunkFields } from "./streamed-answer.ts";

interface RunningStream extends RunningAttempt {
  readonly attempt: PreparedAttempt;
  /** Everything it has said so far, and the rest as it comes. */
  read(): AttemptStream;
}

const startStream: StartAttempt<RunningStream> = (attempt, signal, onEnd) => {
  const stream = attemptStream(attempt, signal, onEnd);
  const held: ChatGenerationChunk[] = [];
  let ended: AttemptOutcome<undefined> | undefined;
  const readToContent = async (): Promise<boolean> => {
    for (;;) {
      const step = await stream.next();
      if (step.done) {
        ended = step.value;
        return ended.status === "succeeded";
      }
      held.push(step.value);
      if (hasContent(step.value)) return true;
    }
  };
  const answers = readToContent();
  return {
    attempt,
    answers,
    async *read() {
      await answers;
      try {
        yield* held;
        return ended ?? (yield* stream);
      } finally {
        // A consumer that stops between the held chunks ends the attempt too.
        await stream.return(undefined as never);
      }
    },
    end: async () => {
      await answers;
      // Both may have answered at the same moment. Then it waits to be read.
      await stream.return(undefined as never);
    },
  };
};

async function* streamHedged(
  call: Call,
  attempt: PreparedAttempt,
  journaled: JournaledCall | undefined,
): AttemptStream {
  const running = await hedge(call, attempt, startStream);
  // What comes is said by the quicker one of the two. Should this process die, that one is to be booked.
  if (running.attempt !== attempt) journaled?.asks(running.attempt);
  return yield* running.read();
}

/**
 * Makes an attempt at a streamed answer and books how it ended.
 *
 * @param mayHedge Nothing of the answer has been handed out yet.
 */
function streamOnce(
  call: Call,
  attempt: PreparedAttempt,
  mayHedge: boolean,
  journaled: JournaledCall | undefined,
): AttemptStream {
  if (mayHedge && call.isHedged) return streamHedged(call, attempt, journaled);
  return attemptStream(attempt, call.request.signal, (outcome) => call.finish(attempt, outcome));
}

/** The fields of the last chunk: how the answer was got. */
function describeLastChunk(
  call: Call,
  answer: StreamedAnswer,
  answered: AnswerSummary,
  isPickedUp = false,
): ChunkFields {
  const { usage } = answered;
  const resilience = {
    ...describeResilience(call.records, answered),
    ...(answer.isResumed ? { resumed: true } : {}),
    ...(isPickedUp ? { pickedUp: true } : {}),
  };
  return {
    response_metadata: { resilience },
    usage_metadata: usage && toUsageMetadata(usage),
  };
}

/**
 * Gets a streamed answer, over as many attempts as it takes. A failure before the first content is
 * repaired unseen. After it the recovery mode decides.
 *
 * @param journaled Has what an earlier process was told of the answer, and hears of what is asked.
 */
export async function* runStream(
  shared: SharedState,
  request: CallRequest,
  journaled?: JournaledCall,
): AsyncGenerator<ChatGenerationChunk> {
  const { check } = request;
  // Who takes the last answer as it is gets each piece too, so none can be asked for again.
  const repair = check && !check.acceptsLast ? new AnswerRepair(check) : undefined;
  const call = new Call(shared, { ...request, check: repair ?? check });
  if (journaled?.preferred !== undefined) call.prefer(journaled.preferred);
  const brokenStream = new BrokenStream(call);
  let answer = new StreamedAnswer(brokenStream.mayRestart, journaled?.textToContinue);
  const lastResort = new LastResort<AnswerSummary>();
  for (;;) {
    const { textToContinue: text } = answer;
    const attempt = await call.prepare(
      text === undefined
        ? repair && (() => repair.addition)
        : (candidate) => askToContinue(text, candidate),
    );
    if (attempt instanceof Error) {
      // Nothing is no structured output, and no end of a text that broke off.
      if (repair) throw repair.explain(attempt);
      if (!lastResort.answer || !answer.saysNothing) throw attempt;
      yield* answer.complete(describeLastChunk(call, answer, lastResort.answer));
      return;
    }
    journaled?.asks(attempt);
    const keeping = text === undefined ? journaled?.keep(attempt.candidate.name) : undefined;
    const mayHedge = answer.isUntouched && text === undefined && journaled?.preferred === undefined;
    const stream = streamOnce(call, { ...attempt, keeping }, mayHedge, journaled);
    const { acceptsPrefill: isPrefilled, inner, name } = attempt.candidate;
    const manner = { isPrefilled, offersTools: inner.offersTools(attempt.options) };
    const outcome = yield* answer.follow(stream, manner);
    if (outcome.status === "unjoinable") {
      if (answer.isUntouched) {
        // Nobody has seen what the journal had. So the whole answer is asked for.
        journaled?.forget();
        answer.startOver();
        continue;
      }
      const reason = `what ${name} said next does not continue what was handed out`;
      throw brokenStream.interrupt(answer, reason);
    }
    if (outcome.status === "aborted") {
      if (!keeping?.isLost) throw outcome.reason;
      journaled?.fallBackToPart();
      answer = new StreamedAnswer(brokenStream.mayRestart, journaled?.textToContinue);
      continue;
    }
    if (outcome.status === "succeeded") {
      const { isPickedUp } = journaled ?? {};
      yield* answer.complete(describeLastChunk(call, answer, outcome, isPickedUp));
      return;
    }
    journaled?.attemptFailed();
    const { empty, failure, usage } = outcome;
    lastResort.note(empty && { ...empty, usage });
    if (!answer.hasBegun) continue;
    if (empty && lastResort.answer && !repair && brokenStream.isFinal) {
      // Only reasoning was handed out, and the user wants no answer to start over.
      yield* answer.complete(describeLastChunk(call, answer, lastResort.answer));
      return;
    }
    const error = brokenStream.recover(answer, failure);
    if (error) throw repair?.explain(error) ?? error;
  }
}
