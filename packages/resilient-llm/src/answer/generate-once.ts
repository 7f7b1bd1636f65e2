import type { ChatResult } from "@langchain/core/outputs";
import { attemptGenerate } from "../attempt/generate-attempt.ts";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { CallContext, CallRequest } from "../call/call-context.ts";
import type { Call } from "../call/call.ts";
import { hedgeAttempt, type RunningAttempt } from "./hedge-attempt.ts";
import { Losable } from "./losable.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";

interface RunningGenerate extends RunningAttempt {
  readonly outcome: Promise<AttemptOutcome<ChatResult>>;
}

/** Makes an attempt at a whole answer, hedged if the options say so, and books how it ended. */
export function generateOnce(
  context: CallContext,
  request: CallRequest,
  call: Call,
  prepared: PreparedAttempt,
): Promise<AttemptOutcome<ChatResult>> {
  const { clock } = context.options;
  const { options } = request;
  const ask = (
    { candidate, limits, messages }: PreparedAttempt,
    signal: AbortSignal | undefined,
    onEnd: (outcome: AttemptOutcome<ChatResult>) => void,
  ) => attemptGenerate({ candidate, messages, limits, options, signal, clock }, onEnd);
  if (!context.hedgeQuota) {
    return ask(prepared, request.signal, (outcome) => call.finish(prepared, outcome));
  }
  const start = (one: PreparedAttempt): RunningGenerate => {
    const losable = new Losable(call, one, request.signal);
    const outcome = ask(one, losable.signal, (ended) => losable.finish(ended));
    return {
      prepared: one,
      outcome,
      answers: outcome.then(({ status }) => status === "succeeded"),
      lose: async (wasLate) => {
        losable.lose(wasLate);
        await outcome;
      },
    };
  };
  return hedgeAttempt(call, clock, start(prepared), start).then((running) => running.outcome);
}
